// include: gemm-tile
// dx[b,y,x,c] = sum over ky,kx,o of dy[b, (y + p - ky) / s, (x + p - kx) / s, o] W[o,ky,kx,c], over the taps where both
// quotients are whole and inside the map. dy [B,oH,oW,O], W OHWI, dx [B,H,W,C]; any sizes, stride and padding.
// An implicit matrix product: rows m are input pixels, n = c, k = (ky kernel_width + kx) O + o; one workgroup of 64 a tile
// (include/gemm-tile.wgsl). With a stride, a row multiplies zeros for the taps that miss it.
// Source: torch.nn.functional.conv2d's gradient. conv2d-input-gradient-vec4.wgsl reads dy as vec4.

struct Dims {
  m: u32, n: u32, k: u32, strips: u32,
  height: u32, width: u32, out_height: u32, out_width: u32, out_channels: u32,
  kernel_height: u32, kernel_width: u32, stride: u32, padding: u32,
}

override strided: bool = true; // false: stride 1, and no divisions

const ONE_LOAD = false; // for include/gemm-lanes.wgsl

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<act>;
@group(0) @binding(2) var<storage, read> weight: array<weight1>;
@group(0) @binding(3) var<storage, read_write> dx: array<act>;

// The first line of the pixel's map in dy, and its place in the padded map.
struct XRow { map: u32, y: u32, x: u32 }
struct Tap { y: u32, x: u32, o: u32 }
struct Strip { k: u32, taps: array<Tap, 4> }

fn x_row(m: u32) -> XRow {
  let line = m / dims.width;
  return XRow(line / dims.height * dims.out_height, line % dims.height + dims.padding, m % dims.width + dims.padding);
}

fn tap_at(k: u32) -> Tap {
  let tap = k / dims.out_channels;
  return Tap(tap / dims.kernel_width, tap % dims.kernel_width, k % dims.out_channels);
}

fn strip_at(k: u32) -> Strip {
  let first = 4u * k;
  return Strip(first, array(tap_at(first), tap_at(first + 1u), tap_at(first + 2u), tap_at(first + 3u)));
}

fn next_strip(strip: Strip) -> Strip { return strip_at(strip.k / 4u + 1u); }

// Over the stride; past the end of any map where it is not whole.
fn quotient(distance: u32) -> u32 {
  if (!strided) { return distance; }
  let whole = distance / dims.stride;
  return select(0xffffffffu, whole, whole * dims.stride == distance);
}

// Taps right of or below the pixel are asked for first: a difference below zero would wrap, and might divide.
fn load_x(row: XRow, strip: Strip) -> vec4f {
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let tap = strip.taps[i];
    if (strip.k + i >= dims.k || tap.y > row.y || tap.x > row.x) { continue; }
    let y = quotient(row.y - tap.y);
    let x = quotient(row.x - tap.x);
    if (y >= dims.out_height || x >= dims.out_width) { continue; }
    value[i] = f32(dy[((row.map + y) * dims.out_width + x) * dims.out_channels + tap.o]);
  }
  return value;
}

// W[o,ky,kx,c]: invocations that differ in c read neighbours.
fn load_weight(c: u32, k: u32, strip: Strip) -> vec4f {
  let taps = dims.kernel_height * dims.kernel_width;
  var value = vec4f();
  for (var i = 0u; i < min(4u, dims.k - strip.k); i++) {
    let tap = strip.taps[i];
    let at = (tap.o * taps + tap.y * dims.kernel_width + tap.x) * dims.n + c;
    value[i] = unpack_weight1(weight[weight1_index(at)], at);
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
