// enable: subgroups
// gemm-tile.wgsl for adapters whose invocations are the lanes of a CPU's vectors: one subgroup of LANES invocations is a
// workgroup, and its tile is OWN LANES rows x COLUMNS LANES columns. An invocation reads a strip of each of its OWN rows of x, which the
// others get by shuffling, and of its three or four columns of w, LANES apart; it holds the sums of all rows in these. No
// workgroup memory: to a CPU it is memory like any other, and a gather from it costs what a gather costs: a branch and a load
// for each lane and number, most of this kernel's time and text. So rows share them: two rows and three columns were the fastest of seven
// shapes tried on llvmpipe.
// The kernel supplies what gemm-tile.wgsl asks for, fn next_strip(Strip) -> Strip, and ONE_LOAD: whether own rows
// are read in a loop that holds load_x once; where it is long, as a convolution's, that halves what is added to compile.

const ROWS = OWN * LANES;

fn compute_tile(tile: u32, lane: u32) {
  let columns = (dims.n + COLUMNS * LANES - 1u) / (COLUMNS * LANES);
  let m0 = tile / columns * ROWS;
  let n0 = tile % columns * COLUMNS * LANES + lane; // tiles along n first, so that neighbours share rows of x
  if (m0 >= dims.m) { return; }
  var row: array<XRow, OWN>;
  for (var r = 0u; r < OWN; r++) { row[r] = x_row(min(m0 + r * LANES + lane, dims.m - 1u)); }
  var n: array<u32, 4>; // columns past the end repeat the last and are not stored
  for (var j = 0u; j < COLUMNS; j++) { n[j] = min(n0 + j * LANES, dims.n - 1u); }
  var sums: array<vec4f, ROWS>; // of a row: the columns
  let turns = min(OWN, (dims.m - m0 + LANES - 1u) / LANES);
  var strip = strip_at(0u);
  for (var k = 0u; k < dims.strips; k++) {
    let w0 = load_weight(n[0], k, strip);
    let w1 = load_weight(n[1], k, strip);
    let w2 = load_weight(n[2], k, strip);
    var w3 = vec4f();
    if (COLUMNS == 4u) { w3 = load_weight(n[3], k, strip); }
    var own: array<vec4f, OWN>;
    if (OWN == 2u && ONE_LOAD) {
      for (var r = turns; r > 0u; r--) {
        own[OWN - 1u] = own[0];
        var at = row[0];
        if (r == 2u) { at = row[OWN - 1u]; }
        own[0] = load_x(at, strip);
      }
    }
    for (var r = 0u; r < OWN; r++) {
      if (OWN > 1u && r >= turns) { continue; } // all past the end
      if (OWN == 1u || !ONE_LOAD) { own[r] = load_x(row[r], strip); }
      for (var i = 0u; i < LANES; i++) {
        let x = subgroupShuffle(own[r], i);
        var fourth = 0.0;
        if (COLUMNS == 4u) { fourth = dot(x, w3); }
        sums[r * LANES + i] += vec4f(dot(x, w0), dot(x, w1), dot(x, w2), fourth);
      }
    }
    strip = next_strip(strip);
  }
  // A copy, which may lie in memory and be indexed by a variable, while the sums above stay registers; and bounds that are no
  // constants, so that compilers keep the loops: the epilogue is compiled once, not COLUMNS ROWS times.
  var held: array<f32, 4u * ROWS>;
  for (var i = 0u; i < ROWS; i++) {
    for (var j = 0u; j < COLUMNS; j++) { held[4u * i + j] = sums[i][j]; }
  }
  let m_end = min(m0 + ROWS, dims.m);
  let n_end = min(n0 - lane + COLUMNS * LANES, dims.n);
  var first = 0u;
  for (var m = m0; m < m_end; m++) {
    var at = first;
    for (var column = n0; column < n_end; column += LANES) {
      finish(m, column, held[at]);
      at++;
    }
    first += 4u;
  }
}
