// What the linear kernels share: dimensions, the operands of the epilogue, and the epilogue itself. Needs `gelu`,
// `leaky-relu`, `activation`, `depth-to-space`; x and weight are bindings 1 and 2 of the kernel.

struct Dims {
  m: u32, k: u32, n: u32,
  strips: u32, // ceil(k / 4)
  x_offset: u32, x_pitch: u32,
  residual_offset: u32, residual_pitch: u32,
  out_offset: u32, out_pitch: u32, // pitch of a row, or of a pixel where the store is shuffled
  period: u32, // rows of `rows`
  width: u32, block: u32, order: u32, // of the shuffled store
  activation: u32,
  has_bias: u32, has_rows: u32, has_residual: u32, has_scale: u32,
}

const ONE_LOAD = false; // for include/gemm-lanes.wgsl

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(4) var<storage, read> rows: array<f32>; // [period, n]
@group(0) @binding(5) var<storage, read> residual: array<act>; // [m, n]
@group(0) @binding(6) var<storage, read_write> out: array<act>;
@group(0) @binding(7) var<storage, read> scale: array<f32>; // [n]

fn finish(m: u32, n: u32, sum: f32) {
  var y = sum;
  if (dims.has_scale != 0u) { y *= scale[n]; }
  if (dims.has_bias != 0u) { y += bias[n]; }
  if (dims.has_rows != 0u) { y += rows[(m % dims.period) * dims.n + n]; }
  y = activate(y, dims.activation);
  if (dims.has_residual != 0u) { y += f32(residual[dims.residual_offset + m * dims.residual_pitch + n]); }
  let place = depth_to_space(m, n, dims.width, dims.n, dims.block, dims.order);
  out[dims.out_offset + place.pixel * dims.out_pitch + place.channel] = stored(y);
}
