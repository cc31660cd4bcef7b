// Depthwise convolution of PIXELS neighbours in a row, and the norm over their channels. LANES invocations share a run of
// pixels, each with PACKETS packets of channels LANES apart; GROUPS runs share a workgroup of 64. A window of PIXELS inputs
// slides along each row of the kernel, so an input is read once for the outputs that it serves.
// The kernel supplies:
//   fn load_x(i) -> Packet, fn load_weight(i) -> Packet, fn load_bias(i) -> Packet, fn store(i, Packet)
//   fn scale_and_shift(i, Packet) -> Packet      the norm's affine half

struct Dims {
  rows: u32, // batch x height
  height: u32, width: u32,
  packets: u32, channels: u32,
  runs: u32, // of a row: ceil(width / PIXELS)
  eps: f32,
}

override kernel_height: u32;
override kernel_width: u32;
override has_bias: bool = false;
override normalize: bool = false;
override affine: bool = false; // of the norm
override flip: bool = false; // taps from last to first: the gradient of the input

@group(0) @binding(0) var<uniform> dims: Dims;

alias Pixels = array<Packet, PIXELS>;
alias Numbers = array<f32, PIXELS>;

var<workgroup> partial: array<f32, 64u * PIXELS>;
var<workgroup> totals: array<f32, GROUPS * PIXELS>;

// Columns left of the map wrap, and so lie past its end: both are zero.
fn input(line: u32, column: u32, c: u32) -> Packet {
  if (column >= dims.width) { return Packet(); }
  return load_x((line + column) * dims.packets + c);
}

fn convolve(row: u32, column: u32, c: u32) -> Pixels {
  var sums: Pixels;
  if (has_bias) { for (var p = 0u; p < PIXELS; p++) { sums[p] = load_bias(c); } }
  let y = row % dims.height;
  let left = column - kernel_width / 2u;
  for (var ky = 0u; ky < kernel_height; ky++) {
    let source = y + ky - kernel_height / 2u;
    if (source >= dims.height) { continue; }
    let line = (row - y + source) * dims.width;
    var window: Pixels; // window[p] is the input under tap kx of output p
    for (var p = 1u; p < PIXELS; p++) { window[p] = input(line, left + p - 1u, c); }
    for (var kx = 0u; kx < kernel_width; kx++) {
      for (var p = 1u; p < PIXELS; p++) { window[p - 1u] = window[p]; }
      window[PIXELS - 1u] = input(line, left + kx + PIXELS - 1u, c);
      let tap = ky * kernel_width + kx;
      let w = load_weight(select(tap, kernel_height * kernel_width - 1u - tap, flip) * dims.packets + c);
      for (var p = 0u; p < PIXELS; p++) { sums[p] = fma(window[p], w, sums[p]); }
    }
  }
  return sums;
}

// The sum over the LANES invocations of a run, per pixel, in a fixed order.
fn add_lanes(values: Numbers, index: u32) -> Numbers {
  for (var p = 0u; p < PIXELS; p++) { partial[p * 64u + index] = values[p]; }
  workgroupBarrier();
  for (var t = index; t < GROUPS * PIXELS; t += 64u) {
    let first = t % PIXELS * 64u + t / PIXELS * LANES;
    var sum = 0.0;
    for (var lane = 0u; lane < LANES; lane++) { sum += partial[first + lane]; }
    totals[t] = sum;
  }
  workgroupBarrier();
  var sums: Numbers;
  for (var p = 0u; p < PIXELS; p++) { sums[p] = totals[index / LANES * PIXELS + p]; }
  return sums;
}

fn store_run(values: Pixels, row: u32, column: u32, c: u32) {
  for (var p = 0u; p < PIXELS; p++) {
    if (column + p < dims.width) { store((row * dims.width + column + p) * dims.packets + c, values[p]); }
  }
}

fn compute_runs(group: u32, index: u32) {
  let run_count = dims.rows * dims.runs;
  let run = group * GROUPS + index / LANES;
  let inside = run < run_count; // the others compute with the last run: barriers are for all
  let row = min(run, run_count - 1u) / dims.runs;
  let column = min(run, run_count - 1u) % dims.runs * PIXELS;
  let lane = index % LANES;
  // The loops' bounds are not constants, so compilers keep them: a convolution unrolled for every packet costs llvmpipe
  // minutes. `results` then lies in memory, touched a few times where the convolution reads dozens of inputs.
  var results: array<Pixels, PACKETS>;
  var sums: Numbers;
  var i = 0u;
  for (var c = lane; c < dims.packets; c += LANES) {
    let values = convolve(row, column, c);
    if (!normalize && inside) { store_run(values, row, column, c); }
    if (normalize) {
      results[i] = values;
      for (var p = 0u; p < PIXELS; p++) { sums[p] += total(values[p]); }
      i++;
    }
  }
  if (!normalize) { return; }
  let held = i;
  let channels = f32(dims.channels);
  let means = add_lanes(sums, index);
  var squares: Numbers;
  for (i = 0u; i < held; i++) {
    var values = results[i];
    for (var p = 0u; p < PIXELS; p++) {
      values[p] -= Packet(means[p] / channels);
      squares[p] += total(values[p] * values[p]);
    }
  }
  let variances = add_lanes(squares, index);
  if (!inside) { return; }
  for (i = 0u; i < held; i++) {
    var values = results[i];
    for (var p = 0u; p < PIXELS; p++) {
      values[p] = (values[p] - Packet(means[p] / channels)) * one_over_root(variances[p] / channels + dims.eps);
      if (affine) { values[p] = scale_and_shift(lane + i * LANES, values[p]); }
    }
    store_run(values, row, column, lane + i * LANES);
  }
}
