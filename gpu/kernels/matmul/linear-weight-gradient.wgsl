// include: outer-tile
// dW[n,k] = sum over m of dy[m,n] x[m,k]; dy [m,n], x [m,k], dW [n,k] row-major, any sizes; a = n and b = k of the tile.
// One workgroup of 64 a tile of 8 TILE_A x 8 TILE_B gradients and a run of rows (include/outer-tile.wgsl); with several
// runs, out is [runs,n,k] and waits to be added. Source: torch.nn.functional.linear's gradient.
// linear-weight-gradient-vec4.wgsl is the same with vector loads.

struct Dims { m: u32, a: u32, b: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<act>;
@group(0) @binding(2) var<storage, read> x: array<act>;
@group(0) @binding(3) var<storage, read_write> out: array<act>;

alias Column = u32;
alias Row = u32;

fn column_at(quad: u32) -> Column { return quad; }
fn row_at(m: u32) -> Row { return m; }
fn next_row(row: Row) -> Row { return row + 1u; }

fn load_a(m: u32, quad: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.a); i++) { value[i % 4u] = f32(dy[m * dims.a + i]); }
  return value;
}

fn load_b(m: Row, quad: Column) -> vec4f {
  var value = vec4f();
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.b); i++) { value[i % 4u] = f32(x[m * dims.b + i]); }
  return value;
}

fn store_quad(run: u32, a: u32, quad: u32, value: vec4f) {
  let row = (run * dims.a + a) * dims.b;
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.b); i++) { out[row + i] = act(value[i % 4u]); }
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_outer_tile(group.y * groups.x + group.x, index);
}
