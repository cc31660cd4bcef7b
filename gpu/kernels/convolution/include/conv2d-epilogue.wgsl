// What the convolution kernels share: dimensions, the operands of the epilogue, where a pixel's window lies, and the
// epilogue. Needs `gelu`, `leaky-relu`, `activation`, `depth-to-space`; x, x2 and weight are bindings 1 to 3.

struct Dims {
  m: u32, // batch x out_height x out_width
  n: u32, // output channels
  k: u32, strips: u32, // kernel_height x kernel_width x (channels + channels2), and a quarter of it, rounded up
  height: u32, width: u32, channels: u32, channels2: u32, // channels in packets
  out_height: u32, out_width: u32,
  kernel_height: u32, kernel_width: u32,
  stride_y: u32, stride_x: u32, padding: u32,
  block: u32, order: u32, // of the shuffled store
  out_offset: u32, out_pitch: u32, // pitch of a pixel
  activation: u32,
  has_bias: u32, has_gate: u32, has_scale: u32,
}

const ONE_LOAD = true; // for include/gemm-lanes.wgsl

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(4) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(5) var<storage, read> gate: array<act>; // [m]
@group(0) @binding(6) var<storage, read_write> out: array<act>;
@group(0) @binding(7) var<storage, read> scale: array<f32>; // [n]

// An output pixel's window: the first pixel of its map, and its top left corner (negative values wrap, and so compare
// as past the end).
struct XRow { map: u32, y: u32, x: u32 }

fn x_row(m: u32) -> XRow {
  let line = m / dims.out_width;
  return XRow(
    line / dims.out_height * dims.height * dims.width,
    line % dims.out_height * dims.stride_y - dims.padding,
    m % dims.out_width * dims.stride_x - dims.padding,
  );
}

// A place in the window: y and x relative to its corner, and the packet of channels of x and x2 taken as one.
struct Tap { y: u32, x: u32, c: u32 }

fn tap_at(packet: u32) -> Tap {
  let channels = dims.channels + dims.channels2;
  let tap = packet / channels;
  return Tap(tap / dims.kernel_width, tap % dims.kernel_width, packet % channels);
}

fn finish(m: u32, n: u32, sum: f32) {
  var y = sum;
  if (dims.has_scale != 0u) { y *= scale[n]; }
  if (dims.has_bias != 0u) { y += bias[n]; }
  y = activate(y, dims.activation);
  if (dims.has_gate != 0u) { y *= f32(gate[m]); }
  let place = depth_to_space(m, n, dims.out_width, dims.n, dims.block, dims.order);
  out[dims.out_offset + place.pixel * dims.out_pitch + place.channel] = stored(y);
}
