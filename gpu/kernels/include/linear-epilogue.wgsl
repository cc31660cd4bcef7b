// What the linear kernels share: dimensions, the operands of the epilogue, and the epilogue itself. Needs `gelu`,
// `leaky-relu`, `activation`, `depth-to-space`; x and weight are bindings 1 and 2 of the kernel.

struct Dims {
  m: u32, k: u32, n: u32,
  strips: u32, // ceil(k / 4)
  x_offset: u32, x_pitch: u32,
  residual_offset: u32, residual_pitch: u32,
  out_offset: u32, out_pitch: u32, // pitch of a row, or of a pixel where the store is shuffled
  period: u32, // rows of `rows`
  width: u32, block: u32, // of the shuffled store
}

override has_bias: bool = false;
override has_rows: bool = false;
override has_residual: bool = false;
override has_scale: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [n]
@group(0) @binding(4) var<storage, read> rows: array<f32>; // [period, n]
@group(0) @binding(5) var<storage, read> residual: array<act>; // [m, n]
@group(0) @binding(6) var<storage, read_write> out: array<act>;
@group(0) @binding(7) var<storage, read> scale: array<f32>; // [n]

fn finish(m: u32, n: u32, sum: f32) {
  var y = sum;
  if (has_scale) { y *= scale[n]; }
  if (has_bias) { y += bias[n]; }
  if (has_rows) { y += rows[(m % dims.period) * dims.n + n]; }
  y = activate(y);
  if (has_residual) { y += f32(residual[dims.residual_offset + m * dims.residual_pitch + n]); }
  let place = depth_to_space(m, n, dims.width, dims.n, dims.block);
  out[dims.out_offset + place.pixel * dims.out_pitch + place.channel] = act(y);
}
