// include: gemm-tile
// conv2d-input-gradient.wgsl where O is a multiple of four: a strip of k lies in one tap, and dy is read as vec4.

struct Dims {
  m: u32, n: u32, k: u32, strips: u32,
  height: u32, width: u32, out_height: u32, out_width: u32, out_channels: u32,
  kernel_height: u32, kernel_width: u32, stride: u32, padding: u32,
}

override strided: bool = true; // false: stride 1, and no divisions

const ONE_LOAD = false; // for include/gemm-lanes.wgsl

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<act4>;
@group(0) @binding(2) var<storage, read> weight: array<weight1>;
@group(0) @binding(3) var<storage, read_write> dx: array<act>;

// The first line of the pixel's map in dy, and its place in the padded map.
struct XRow { map: u32, y: u32, x: u32 }
struct Tap { y: u32, x: u32, o: u32 } // o in quarters

alias Strip = Tap;

fn x_row(m: u32) -> XRow {
  let line = m / dims.width;
  return XRow(line / dims.height * dims.out_height, line % dims.height + dims.padding, m % dims.width + dims.padding);
}

fn strip_at(strip: u32) -> Strip {
  let quads = dims.out_channels / 4u;
  let tap = strip / quads;
  return Tap(tap / dims.kernel_width, tap % dims.kernel_width, strip % quads);
}

// Without divisions, which would cost a CPU's vectors more than the strip's products.
fn next_strip(tap: Strip) -> Strip {
  if (tap.o + 1u < dims.out_channels / 4u) { return Tap(tap.y, tap.x, tap.o + 1u); }
  if (tap.x + 1u < dims.kernel_width) { return Tap(tap.y, tap.x + 1u, 0u); }
  return Tap(tap.y + 1u, 0u, 0u);
}

// Over the stride; past the end of any map where it is not whole.
fn quotient(distance: u32) -> u32 {
  if (!strided) { return distance; }
  let whole = distance / dims.stride;
  return select(0xffffffffu, whole, whole * dims.stride == distance);
}

// Taps right of or below the pixel are asked for first: a difference below zero would wrap, and might divide.
fn load_x(row: XRow, tap: Strip) -> vec4f {
  if (tap.y > row.y || tap.x > row.x) { return vec4f(); }
  let y = quotient(row.y - tap.y);
  let x = quotient(row.x - tap.x);
  if (y >= dims.out_height || x >= dims.out_width) { return vec4f(); }
  return vec4f(dy[((row.map + y) * dims.out_width + x) * (dims.out_channels / 4u) + tap.o]);
}

// W[o,ky,kx,c]: invocations that differ in c read neighbours.
fn load_weight(c: u32, k: u32, tap: Strip) -> vec4f {
  let taps = dims.kernel_height * dims.kernel_width;
  let first = 4u * tap.o * taps + tap.y * dims.kernel_width + tap.x;
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let at = (first + i * taps) * dims.n + c;
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
