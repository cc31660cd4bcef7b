// enable: subgroups
// outer-tile.wgsl as gemm-lanes.wgsl is to gemm-tile.wgsl: one subgroup of LANES invocations is a workgroup, and its tile
// is LANES rows (a) x 4 LANES columns (b). An invocation reads a quad of A at one of four rows m, which the others get by
// shuffling, and its own quad of B at all four; it holds the sums of all a in its quad.
// The kernel supplies what outer-tile.wgsl asks for.

const GROUP = LANES;
const A_QUADS = LANES / 4u;

fn compute_outer_tile(group: u32, lane: u32) {
  let across = (dims.b + 4u * LANES - 1u) / (4u * LANES);
  let tiles = (dims.a + LANES - 1u) / LANES * across;
  let run = group / tiles;
  if (run >= dims.runs) { return; }
  let a_first = group % tiles / across * LANES;
  let b_quad = group % across * LANES + lane;
  // Quads past the end repeat the last, and are not stored.
  let a_quad = min(a_first / 4u + lane / 4u, (dims.a + 3u) / 4u - 1u);
  let column = column_at(min(b_quad, (dims.b + 3u) / 4u - 1u));
  let end = min((run + 1u) * dims.rows, dims.m);
  var sums: array<vec4f, LANES>; // of a row a: the quad
  var row = row_at(run * dims.rows);
  for (var m0 = run * dims.rows; m0 < end; m0 += 4u) {
    // Rows past the end are read as the last, and count for nothing.
    let own = select(vec4f(), load_a(min(m0 + lane % 4u, end - 1u), a_quad), m0 + lane % 4u < end);
    let b0 = load_b(row, column);
    if (m0 + 1u < end) { row = next_row(row); }
    let b1 = load_b(row, column);
    if (m0 + 2u < end) { row = next_row(row); }
    let b2 = load_b(row, column);
    if (m0 + 3u < end) { row = next_row(row); }
    let b3 = load_b(row, column);
    if (m0 + 4u < end) { row = next_row(row); }
    for (var q = 0u; q < A_QUADS; q++) {
      let a0 = subgroupShuffle(own, 4u * q);
      let a1 = subgroupShuffle(own, 4u * q + 1u);
      let a2 = subgroupShuffle(own, 4u * q + 2u);
      let a3 = subgroupShuffle(own, 4u * q + 3u);
      for (var e = 0u; e < 4u; e++) { sums[4u * q + e] += (a0[e] * b0 + a1[e] * b1) + (a2[e] * b2 + a3[e] * b3); }
    }
  }
  var held = sums; // as in gemm-lanes.wgsl
  let rows = min(LANES, dims.a - a_first);
  for (var i = 0u; i < rows; i++) {
    if (4u * b_quad < dims.b) { store_quad(run, a_first + i, b_quad, held[i]); }
  }
}
