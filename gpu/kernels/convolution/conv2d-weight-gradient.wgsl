// include: outer-tile
// dW[o,ky,kx,c] = sum over b,oy,ox of dy[b,oy,ox,o] x[b, oy s - p + ky, ox s - p + kx, c], x zero outside the map.
// x [B,H,W,C], dy [B,oH,oW,O], dW OHWI; any sizes, stride and padding. A product over output pixels m of dy and the
// windows of x, which are never stored: a = o, b = (ky kernel_width + kx) C + c. One workgroup of 64 a tile and a run of
// pixels (include/outer-tile.wgsl); with several runs, out is [runs,a,b] and waits to be added.
// Source: torch.nn.functional.conv2d's gradient. conv2d-weight-gradient-vec4.wgsl is the same with vector loads.

struct Dims {
  m: u32, a: u32, b: u32, rows: u32, runs: u32,
  height: u32, width: u32, channels: u32,
  out_height: u32, out_width: u32,
  kernel_width: u32, stride_y: u32, stride_x: u32, padding: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<act>;
@group(0) @binding(2) var<storage, read> x: array<act>;
@group(0) @binding(3) var<storage, read_write> out: array<act>;

struct Tap { y: u32, x: u32, c: u32 }
struct Column { first: u32, taps: array<Tap, 4> }

fn tap_at(b: u32) -> Tap {
  let tap = b / dims.channels;
  return Tap(tap / dims.kernel_width, tap % dims.kernel_width, b % dims.channels);
}

fn column_at(quad: u32) -> Column {
  let first = 4u * quad;
  return Column(first, array(tap_at(first), tap_at(first + 1u), tap_at(first + 2u), tap_at(first + 3u)));
}

// An output pixel: the first line of its map in x, and its place.
struct Row { map: u32, y: u32, x: u32 }

fn row_at(m: u32) -> Row {
  let line = m / dims.out_width;
  return Row(line / dims.out_height * dims.height, line % dims.out_height, m % dims.out_width);
}

// Without divisions, which would cost a CPU's vectors more than the row's products.
fn next_row(row: Row) -> Row {
  if (row.x + 1u < dims.out_width) { return Row(row.map, row.y, row.x + 1u); }
  if (row.y + 1u < dims.out_height) { return Row(row.map, row.y + 1u, 0u); }
  return Row(row.map + dims.height, 0u, 0u);
}

fn load_a(m: u32, quad: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * quad; i < min(4u * quad + 4u, dims.a); i++) { value[i % 4u] = f32(dy[m * dims.a + i]); }
  return value;
}

// Positions above or left of the map wrap, and so lie past its end.
fn load_b(row: Row, column: Column) -> vec4f {
  let top = row.y * dims.stride_y - dims.padding;
  let left = row.x * dims.stride_x - dims.padding;
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let tap = column.taps[i];
    let y = top + tap.y;
    let at = left + tap.x;
    if (column.first + i >= dims.b || y >= dims.height || at >= dims.width) { continue; }
    value[i] = f32(x[((row.map + y) * dims.width + at) * dims.channels + tap.c]);
  }
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
