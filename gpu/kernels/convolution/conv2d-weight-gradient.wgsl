// include: outer-tile, outer-operands
// dW[o,ky,kx,c] = sum over b,oy,ox of dy[b,oy,ox,o] x[b, oy s - p + ky, ox s - p + kx, c], x zero outside the map.
// x [B,H,W,C], dy [B,oH,oW,O], dW OHWI; any sizes, stride and padding. A product over output pixels m of dy and the
// windows of x, which are never stored: a = o, b = (ky kernel_width + kx) C + c. In packets of four, C and O are multiples of
// four, so that a quad of columns lies in one tap. Patches (kernel = stride, no padding) come here as kernel_width 1 over pixels
// of kernel_width C channels. One workgroup of 64 a tile and a run of pixels (include/outer-tile.wgsl).
// Source: torch.nn.functional.conv2d's gradient.

struct Dims {
  m: u32, a: u32, b: u32, rows: u32, runs: u32,
  height: u32, width: u32, channels: u32, // channels in packets
  out_height: u32, out_width: u32,
  kernel_width: u32, stride_y: u32, stride_x: u32, padding: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(2) var<storage, read> x: array<ActPacket>;

const PACKETS = 4u / PACKET; // of a quad of columns

struct Tap { y: u32, x: u32, c: u32 } // c in packets
struct Column { first: u32, taps: array<Tap, PACKETS> }

fn tap_at(packet: u32) -> Tap {
  let tap = packet / dims.channels;
  return Tap(tap / dims.kernel_width, tap % dims.kernel_width, packet % dims.channels);
}

fn column_at(quad: u32) -> Column {
  var column: Column;
  column.first = PACKETS * quad;
  for (var i = 0u; i < PACKETS; i++) { column.taps[i] = tap_at(column.first + i); }
  return column;
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

// Positions above or left of the map wrap, and so lie past its end.
fn packet_under(row: Row, tap: Tap) -> Packet {
  let y = row.y * dims.stride_y - dims.padding + tap.y;
  let at = row.x * dims.stride_x - dims.padding + tap.x;
  if (y >= dims.height || at >= dims.width) { return Packet(); }
  return Packet(x[((row.map + y) * dims.width + at) * dims.channels + tap.c]);
}

fn load_b(row: Row, column: Column) -> vec4f {
  if (PACKET == 4u) { return wide(packet_under(row, column.taps[0])); }
  var value = vec4f();
  for (var i = 0u; i < PACKETS; i++) {
    if (column.first + i < dims.b) { value[i] = wide(packet_under(row, column.taps[i])).x; }
  }
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
