// The weight gradient of a depthwise convolution. An invocation has one packet of channels, one row ky of the kernel and
// one run of lines, and holds the KERNEL_WIDTH sums of that row: a window of as many inputs slides along each line, so an
// input is read once for all of them. Neighbouring invocations have neighbouring packets. No workgroup memory, no atomics:
// run r writes out[r,ky,kx,c], and a second kernel adds the runs in order.
// Needs the types of `Shader.packet`. The kernel supplies:
//   fn load_dy(i) -> Packet, fn load_x(i) -> Packet, fn store(i, Packet)

struct Dims {
  lines: u32, // batch x height
  height: u32, width: u32, packets: u32, kernel_height: u32,
  lines_per_run: u32, runs: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;

alias Taps = array<Packet, KERNEL_WIDTH>;

fn correlate(item: u32) {
  let c = item % dims.packets;
  let ky = item / dims.packets % dims.kernel_height;
  let run = item / dims.packets / dims.kernel_height;
  if (run >= dims.runs) { return; }
  var sums: Taps;
  let end = min((run + 1u) * dims.lines_per_run, dims.lines);
  for (var line = run * dims.lines_per_run; line < end; line++) {
    let y = line % dims.height;
    let source = y + ky - dims.kernel_height / 2u; // above the map it wraps, and so lies past its end
    if (source < dims.height) { add_line(&sums, line, line - y + source, c); }
  }
  for (var kx = 0u; kx < KERNEL_WIDTH; kx++) {
    store(((run * dims.kernel_height + ky) * KERNEL_WIDTH + kx) * dims.packets + c, sums[kx]);
  }
}

fn input(source: u32, column: u32, c: u32) -> Packet {
  if (column >= dims.width) { return Packet(); }
  return load_x((source * dims.width + column) * dims.packets + c);
}

fn add_line(sums: ptr<function, Taps>, line: u32, source: u32, c: u32) {
  let reach = KERNEL_WIDTH / 2u;
  var window: Taps; // window[kx] is the input under tap kx
  for (var kx = 1u; kx < KERNEL_WIDTH; kx++) { window[kx] = input(source, kx - 1u - reach, c); }
  for (var column = 0u; column < dims.width; column++) {
    for (var kx = 1u; kx < KERNEL_WIDTH; kx++) { window[kx - 1u] = window[kx]; }
    window[KERNEL_WIDTH - 1u] = input(source, column + reach, c);
    let g = load_dy((line * dims.width + column) * dims.packets + c);
    for (var kx = 0u; kx < KERNEL_WIDTH; kx++) { (*sums)[kx] = fma(g, window[kx], (*sums)[kx]); }
  }
}
