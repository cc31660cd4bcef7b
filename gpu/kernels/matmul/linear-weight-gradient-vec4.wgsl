// include: outer-tile
// linear-weight-gradient.wgsl where n and k are multiples of four.

struct Dims { m: u32, a: u32, b: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<act4>;
@group(0) @binding(2) var<storage, read> x: array<act4>;
@group(0) @binding(3) var<storage, read_write> out: array<act4>;

alias Column = u32;
alias Row = u32;

fn column_at(quad: u32) -> Column { return quad; }
fn row_at(m: u32) -> Row { return m; }
fn next_row(row: Row) -> Row { return row + 1u; }
fn load_a(m: u32, quad: u32) -> vec4f { return vec4f(dy[m * (dims.a / 4u) + quad]); }
fn load_b(m: Row, quad: Column) -> vec4f { return vec4f(x[m * (dims.b / 4u) + quad]); }

fn store_quad(run: u32, a: u32, quad: u32, value: vec4f) {
  if (4u * quad < dims.b) { out[(run * dims.a + a) * (dims.b / 4u) + quad] = act4(value); }
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_outer_tile(group.y * groups.x + group.x, index);
}
