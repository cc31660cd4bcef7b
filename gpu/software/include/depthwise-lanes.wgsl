// include: row-reduce-lanes
// depthwise-row.wgsl for adapters that run on the CPU (software/lane-includes.ts says what those want). A subgroup of LANES invocations
// has one run of pixels; an invocation has packets LANES apart. What is unrolled there is a loop here, what is
// constant there is a number of `Dims`, and one pipeline does for all maps.
// The kernel supplies what depthwise-row.wgsl asks for.

struct Dims {
  rows: u32, // batch x height
  height: u32, width: u32,
  packets: u32, channels: u32,
  runs: u32, // of a row: ceil(width / pixels)
  eps: f32,
  pixels: u32, // of a run, at most PIXELS: the last ones of a window
  block: u32, // packets that the subgroup holds at a time; all of them, to normalise
  first_round: u32, // 0: the means, then the squares around them, then the results; 2: these alone
  kernel_height: u32, kernel_width: u32,
  has_bias: u32, flip: u32,
}

override affine: bool = false; // of the norm: folded away where a network is prepared, so a pipeline of its own costs nothing

@group(0) @binding(0) var<uniform> dims: Dims;

alias Pixels = array<Packet, PIXELS>;

// Columns left of the map wrap, and so lie past its end: both are zero.
fn input(line: u32, column: u32, c: u32) -> Packet {
  if (column >= dims.width) { return Packet(); }
  return load_x((line + column) * dims.packets + c);
}

fn convolve(row: u32, column: u32, c: u32) -> Pixels {
  var bias = Packet();
  if (dims.has_bias != 0u) { bias = load_bias(c); }
  var sums: Pixels;
  for (var p = 0u; p < PIXELS; p++) { sums[p] = bias; }
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

fn compute_runs(group: u32, local: u32) {
  let run = piece_of(group, local);
  let lane = lane_of(local);
  if (run >= dims.rows * dims.runs) { return; }
  let row = run / dims.runs;
  let column = run % dims.runs * dims.pixels;
  let first = PIXELS - dims.pixels;
  let pixels = min(dims.pixels, dims.width - column);
  let out_at = row * dims.width + column;
  for (var block = 0u; block < dims.packets; block += dims.block) {
    let end = min(dims.packets, block + dims.block);
    var held: array<Packet, HELD>; // of each packet the pixels
    var filled = 0u;
    for (var c = block + lane; c < end; c += LANES) {
      var sums = convolve(row, column, c);
      for (var p = 0u; p < pixels; p++) { held[filled + p] = sums[first + p]; }
      filled += dims.pixels;
    }
    for (var p = 0u; p < pixels; p++) {
      var mean = 0.0;
      var scale = 1.0;
      for (var round = dims.first_round; round < 3u; round++) {
        var sum = Packet();
        var c = block + lane;
        for (var at = p; at < filled; at += dims.pixels) {
          var value = (held[at] - mean) * scale;
          if (round == 2u) {
            if (affine) { value = scale_and_shift(c, value); }
            store((out_at + p) * dims.packets + c, value);
          } else {
            sum += value * select(Packet(1.0), value, round == 1u);
          }
          c += LANES;
        }
        let average = row_sum(total(sum), lane, LANES) / f32(dims.channels);
        if (round == 0u) { mean = average; } else { scale = one_over_root(average + dims.eps); }
      }
    }
  }
}
