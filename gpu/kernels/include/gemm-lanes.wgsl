// enable: subgroups
// gemm-tile.wgsl for adapters whose invocations are the lanes of a CPU's vectors: one subgroup of LANES invocations is a
// workgroup, and its tile is LANES rows x 4 LANES columns. An invocation reads a strip of its own row of x, which the
// others get by shuffling, and of its four columns of w, LANES apart; it holds the sums of all rows in these columns. No
// workgroup memory: to a CPU it is memory like any other, and a gather from it costs what a gather costs.
// The kernel supplies what gemm-tile.wgsl asks for, and fn next_strip(Strip) -> Strip.

const GROUP = LANES;

fn compute_tile(tile: u32, lane: u32) {
  let columns = (dims.n + 4u * LANES - 1u) / (4u * LANES);
  let m0 = tile / columns * LANES;
  let n0 = tile % columns * 4u * LANES + lane; // tiles along n first, so that neighbours share rows of x
  if (m0 >= dims.m) { return; }
  let row = x_row(min(m0 + lane, dims.m - 1u));
  var n: array<u32, 4>; // columns past the end repeat the last and are not stored
  for (var j = 0u; j < 4u; j++) { n[j] = min(n0 + j * LANES, dims.n - 1u); }
  var sums: array<vec4f, LANES>; // of a row: the four columns
  var strip = strip_at(0u);
  for (var k = 0u; k < dims.strips; k++) {
    let own = load_x(row, strip);
    let w0 = load_weight(n[0], k, strip);
    let w1 = load_weight(n[1], k, strip);
    let w2 = load_weight(n[2], k, strip);
    let w3 = load_weight(n[3], k, strip);
    for (var i = 0u; i < LANES; i++) {
      let x = subgroupShuffle(own, i);
      sums[i] += vec4f(dot(x, w0), dot(x, w1), dot(x, w2), dot(x, w3));
    }
    strip = next_strip(strip);
  }
  // A copy, which may lie in memory and be indexed by a variable, while the sums above stay registers: so the epilogue is
  // compiled once, not 4 LANES times.
  var held = sums;
  let rows = min(LANES, dims.m - m0);
  for (var i = 0u; i < rows; i++) {
    for (var j = 0u; j < 4u; j++) {
      if (n0 + j * LANES < dims.n) { finish(m0 + i, n0 + j * LANES, held[i][j]); }
    }
  }
}
