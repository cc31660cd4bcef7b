// depthwise-row.wgsl for adapters that run on the CPU. They compile a kernel with a compiler made for whole programs, to
// which each read of a buffer is hundreds of instructions, so what is unrolled there is a loop here, what is constant
// there is a number of `Dims`, and one pipeline does for all maps. Every output is the same sums in the same order.
// The kernel supplies what depthwise-row.wgsl asks for.

struct Dims {
  rows: u32, // batch x height
  height: u32, width: u32,
  packets: u32, channels: u32,
  runs: u32, // of a row: ceil(width / pixels)
  eps: f32,
  lanes: u32, // invocations that share a run; 64 / lanes runs share a workgroup
  pixels: u32, // of a run, at most PIXELS: the last ones of the arrays below
  kernel_height: u32, kernel_width: u32,
  has_bias: u32,
  normalize: u32, // 1: two rounds of sums over the channels
  affine: u32, flip: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;

alias Pixels = array<Packet, PIXELS>;

var<workgroup> partial: array<f32, 64u * PIXELS>;
var<workgroup> totals: array<f32, 64u * PIXELS>;

// Columns left of the map wrap, and so lie past its end: both are zero.
fn input(line: u32, column: u32, c: u32) -> Packet {
  if (column >= dims.width) { return Packet(); }
  return load_x((line + column) * dims.packets + c);
}

fn convolve(row: u32, column: u32, c: u32) -> Pixels {
  var sums: Pixels;
  if (dims.has_bias != 0u) {
    let bias = load_bias(c);
    for (var p = 0u; p < PIXELS; p++) { sums[p] = bias; }
  }
  let y = row % dims.height;
  let left = column - dims.kernel_width / 2u;
  let taps = dims.kernel_height * dims.kernel_width;
  for (var ky = 0u; ky < dims.kernel_height; ky++) {
    let source = y + ky - dims.kernel_height / 2u;
    if (source >= dims.height) { continue; }
    let line = (row - y + source) * dims.width;
    var window: Pixels; // the inputs up to column `left + step`; window[p] is under tap kx of output p
    for (var step = 0u; step < dims.pixels - 1u + dims.kernel_width; step++) {
      for (var p = 1u; p < PIXELS; p++) { window[p - 1u] = window[p]; }
      window[PIXELS - 1u] = input(line, left + step, c);
      if (step + 1u >= dims.pixels) {
        let tap = ky * dims.kernel_width + step + 1u - dims.pixels;
        let w = load_weight(select(tap, taps - 1u - tap, dims.flip != 0u) * dims.packets + c);
        for (var p = 0u; p < PIXELS; p++) { sums[p] = fma(window[p], w, sums[p]); }
      }
    }
  }
  return sums;
}

// `totals`: for each run and pixel the sum of `partial` over the run's invocations, in a fixed order.
fn add_lanes(index: u32, first: u32) {
  workgroupBarrier();
  for (var t = index; t < 64u / dims.lanes * dims.pixels; t += 64u) {
    let at = (first + t % dims.pixels) * 64u + t / dims.pixels * dims.lanes;
    var sum = 0.0;
    for (var lane = 0u; lane < dims.lanes; lane++) { sum += partial[at + lane]; }
    totals[t] = sum;
  }
  workgroupBarrier();
}

fn compute_runs(group: u32, index: u32) {
  let run_count = dims.rows * dims.runs;
  let run = group * (64u / dims.lanes) + index / dims.lanes;
  let inside = run < run_count; // the others compute with the last run: barriers are for all
  let row = min(run, run_count - 1u) / dims.runs;
  let column = min(run, run_count - 1u) % dims.runs * dims.pixels;
  let lane = index % dims.lanes;
  let first = PIXELS - dims.pixels;
  let total_at = index / dims.lanes * dims.pixels - first;
  let out_at = row * dims.width + column - first;
  let end = select(0u, first + min(dims.pixels, dims.width - column), inside);

  let channels = f32(dims.channels);
  // Once, unless the channels are more than there is room for; sums over them are asked for only where they fit.
  for (var block = 0u; block < dims.packets; block += PACKETS * dims.lanes) {
    var results: array<Packet, PACKETS * PIXELS>;
    var held = 0u;
    for (var c = block + lane; c < min(dims.packets, block + PACKETS * dims.lanes); c += dims.lanes) {
      var values = convolve(row, column, c);
      for (var p = first; p < end; p++) { results[held + p] = values[p]; }
      held += PIXELS;
    }
    for (var round = 0u; round < 2u * dims.normalize; round++) { // the sums for the means, then those of squares around them
      let square = round == 1u;
      for (var p = first; p < PIXELS; p++) {
        let mean = select(0.0, totals[total_at + p] / channels, square);
        var sum = 0.0;
        for (var at = p; at < held; at += PIXELS) {
          let value = results[at] - Packet(mean);
          results[at] = value;
          sum += total(value * select(Packet(1.0), value, square));
        }
        partial[p * 64u + index] = sum;
      }
      add_lanes(index, first);
    }
    for (var p = first; p < end; p++) {
      let scale = select(1.0, inverseSqrt(totals[total_at + p] / channels + dims.eps), dims.normalize > 0u);
      var c = block + lane;
      for (var at = p; at < held; at += PIXELS) {
        var value = results[at] * scale;
        if (dims.affine != 0u) { value = scale_and_shift(c, value); }
        store((out_at + p) * dims.packets + c, value);
        c += dims.lanes;
      }
    }
  }
}
