// gemm-tile.wgsl for adapters that run on the CPU and have no subgroups: every invocation has a tile of its own, four rows by four
// columns, and reads what these need (software/lane-includes.ts says what such adapters want). Its sums are registers.
// The kernel supplies what gemm-tile.wgsl asks for, fn next_strip(Strip) -> Strip, and ONE_LOAD: whether rows are read in a loop that
// holds load_x once.

fn compute_tile(group: u32, local: u32) {
  let tile = group * GROUP + local;
  let columns = (dims.n + 3u) / 4u;
  let m0 = tile / columns * 4u;
  if (m0 >= dims.m) { return; }
  let n0 = tile % columns * 4u; // tiles along n first, so that neighbours share rows of x
  let n = min(n0 + vec4u(0u, 1u, 2u, 3u), vec4u(dims.n - 1u)); // those past the end repeat the last and are not stored
  let a = x_row(m0);
  let b = x_row(min(m0 + 1u, dims.m - 1u));
  let c = x_row(min(m0 + 2u, dims.m - 1u));
  let d = x_row(min(m0 + 3u, dims.m - 1u));
  var sums = mat4x4f(); // a column of it is a row of the tile
  var strip = strip_at(0u);
  for (var k = 0u; k < dims.strips; k++) {
    let w = mat4x4f(load_weight(n.x, k, strip), load_weight(n.y, k, strip), load_weight(n.z, k, strip), load_weight(n.w, k, strip));
    var x = mat4x4f();
    if (ONE_LOAD) {
      var row = d;
      for (var r = min(4u, dims.m - m0); r > 0u; r--) {
        if (r == 3u) { row = c; }
        if (r == 2u) { row = b; }
        if (r == 1u) { row = a; }
        x = mat4x4f(load_x(row, strip), x[0], x[1], x[2]);
      }
    } else {
      x = mat4x4f(load_x(a, strip), load_x(b, strip), load_x(c, strip), load_x(d, strip));
    }
    sums += mat4x4f(x[0] * w, x[1] * w, x[2] * w, x[3] * w);
    strip = next_strip(strip);
  }
  // a copy that lies in memory, and bounds that are no constants: the epilogue is compiled once
  var held = array<vec4f, 4>(sums[0], sums[1], sums[2], sums[3]);
  for (var m = m0; m < min(m0 + 4u, dims.m); m++) {
    for (var column = n0; column < min(n0 + 4u, dims.n); column++) { finish(m, column, held[m - m0][column - n0]); }
  }
}
