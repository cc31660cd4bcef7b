// include: outer-tile, outer-operands
// dW[n,k] = sum over m of dy[m,n] x[m,k]; dy [m,n], x [m,k], dW [n,k] row-major; a = n and b = k of the tile. In packets of
// four, n and k are multiples of four. One workgroup of 64 a tile of 8 TILE_A x 8 TILE_B gradients and a run of rows
// (include/outer-tile.wgsl). Source: torch.nn.functional.linear's gradient.

struct Dims { m: u32, a: u32, b: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read> x: array<ActPacket>;

alias Column = u32;
alias Row = u32;

fn column_at(quad: u32) -> Column { return quad; }
fn row_at(m: u32) -> Row { return m; }
fn next_row(row: Row) -> Row { return row + 1u; }

fn load_b(m: Row, quad: Column) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(x[m * (dims.b / 4u) + quad])); }
  var value = vec4f();
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.b); i++) { value[i % 4u] = wide(Packet(x[m * dims.b + i])).x; }
  return value;
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_outer_tile(group.y * groups.x + group.x, index);
}
