// include: gemm-tile
// dx[b,y,x,c] = sum over ky,kx,o of dy[b, (y + p - ky) / s, (x + p - kx) / s, o] W[o,ky,kx,c], over the taps where both
// quotients are whole and inside the map. dy [B,oH,oW,O], W OHWI, dx [B,H,W,C]; any sizes, stride and padding.
// An implicit matrix product: rows m are input pixels, n = c, k = (ky kernel_width + kx) O + o; one workgroup of 64 a tile
// (include/gemm-tile.wgsl). dy is read in packets: of four where O is a multiple of four, so that a strip of k lies in one tap.
// With a stride, a row multiplies zeros for the taps that miss it. Source: torch.nn.functional.conv2d's gradient.

struct Dims {
  m: u32, n: u32, strips: u32,
  height: u32, width: u32, out_height: u32, out_width: u32,
  out_channels: u32, // in packets
  kernel_height: u32, kernel_width: u32, stride: u32, padding: u32,
}

override strided: bool = true; // false: stride 1, and no divisions

const ONE_LOAD = false; // for include/gemm-lanes.wgsl

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(2) var<storage, read> weight: array<weight1>;
@group(0) @binding(3) var<storage, read_write> dx: array<act>;

// The first line of the pixel's map in dy, and its place in the padded map.
struct XRow { map: u32, y: u32, x: u32 }
struct Tap { y: u32, x: u32, o: u32 } // o in packets

alias Strip = Tap; // of its first packet

fn x_row(m: u32) -> XRow {
  let line = m / dims.width;
  return XRow(line / dims.height * dims.out_height, line % dims.height + dims.padding, m % dims.width + dims.padding);
}

fn strip_at(k: u32) -> Strip {
  let packet = 4u / PACKET * k;
  let tap = packet / dims.out_channels;
  return Tap(tap / dims.kernel_width, tap % dims.kernel_width, packet % dims.out_channels);
}

// Without divisions, which would cost a CPU's vectors more than the strip's products.
fn next_tap(tap: Tap) -> Tap {
  if (tap.o + 1u < dims.out_channels) { return Tap(tap.y, tap.x, tap.o + 1u); }
  if (tap.x + 1u < dims.kernel_width) { return Tap(tap.y, tap.x + 1u, 0u); }
  return Tap(tap.y + 1u, 0u, 0u);
}

fn next_strip(strip: Strip) -> Strip {
  let next = next_tap(strip);
  if (PACKET == 4u) { return next; }
  return next_tap(next_tap(next_tap(next)));
}

// Over the stride; past the end of any map where it is not whole.
fn quotient(distance: u32) -> u32 {
  if (!strided) { return distance; }
  let whole = distance / dims.stride;
  return select(0xffffffffu, whole, whole * dims.stride == distance);
}

// Taps right of or below the pixel are asked for first: a difference below zero would wrap, and might divide.
fn packet_under(row: XRow, tap: Tap) -> Packet {
  if (tap.y > row.y || tap.x > row.x) { return Packet(); }
  let y = quotient(row.y - tap.y);
  let x = quotient(row.x - tap.x);
  if (y >= dims.out_height || x >= dims.out_width) { return Packet(); }
  return Packet(dy[((row.map + y) * dims.out_width + x) * dims.out_channels + tap.o]);
}

fn load_x(row: XRow, strip: Strip) -> vec4f {
  if (PACKET == 4u) { return wide(packet_under(row, strip)); }
  var value = vec4f();
  var tap = strip;
  for (var i = 0u; i < 4u; i++) {
    if (tap.y < dims.kernel_height) { value[i] = wide(packet_under(row, tap)).x; }
    tap = next_tap(tap);
  }
  return value;
}

// W[o,ky,kx,c]: invocations that differ in c read neighbours.
fn load_weight(c: u32, k: u32, strip: Strip) -> vec4f {
  let taps = dims.kernel_height * dims.kernel_width;
  var value = vec4f();
  var tap = strip;
  for (var i = 0u; i < 4u; i++) {
    var row = PACKET * tap.o * taps + tap.y * dims.kernel_width + tap.x;
    if (PACKET == 4u) { row += i * taps; } // the packet's o
    let at = row * dims.n + c;
    if (PACKET == 4u || tap.y < dims.kernel_height) { value[i] = unpack_weight1(weight[weight1_index(at)], at); }
    if (PACKET == 1u) { tap = next_tap(tap); }
  }
  return value;
}

fn finish(m: u32, n: u32, sum: f32) { dx[m * dims.n + n] = act(sum); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_tile(group.y * groups.x + group.x, index);
}
