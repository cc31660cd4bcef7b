// include: outer-tile
// conv2d-weight-gradient.wgsl where C and O are multiples of four: a quad of columns lies in one tap, and is one vec4.
// Patches (kernel = stride, no padding) come here too, as kernel_width 1 over pixels of kernel_width C channels.

struct Dims {
  m: u32, a: u32, b: u32, rows: u32, runs: u32,
  height: u32, width: u32, channels: u32, // channels in quarters
  out_height: u32, out_width: u32,
  kernel_width: u32, stride_y: u32, stride_x: u32, padding: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<act4>;
@group(0) @binding(2) var<storage, read> x: array<act4>;
@group(0) @binding(3) var<storage, read_write> out: array<act4>;

struct Column { y: u32, x: u32, c: u32 }

fn column_at(quad: u32) -> Column {
  let tap = quad / dims.channels;
  return Column(tap / dims.kernel_width, tap % dims.kernel_width, quad % dims.channels);
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

fn load_a(m: u32, quad: u32) -> vec4f { return vec4f(dy[m * (dims.a / 4u) + quad]); }

// Positions above or left of the map wrap, and so lie past its end.
fn load_b(row: Row, tap: Column) -> vec4f {
  let y = row.y * dims.stride_y - dims.padding + tap.y;
  let at = row.x * dims.stride_x - dims.padding + tap.x;
  if (y >= dims.height || at >= dims.width) { return vec4f(); }
  return vec4f(x[((row.map + y) * dims.width + at) * dims.channels + tap.c]);
}

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
