// One workgroup's tile of out[a,b] = sum over rows m of A[m,a] B[m,b], a product over the outer axis of both matrices, as
// weight gradients are. 8 x 8 invocations, each with TILE_A x TILE_B sums in registers: invocation (line, lane) has quads
// (four neighbouring columns) line + 8 i of A and lane + 8 j of B. A round stages ROUND rows of either in workgroup memory;
// global reads are rows of 128 or 256 bytes. TILE_A and TILE_B are multiples of four.
// The rows are cut into dims.runs runs of dims.rows; run r writes out[r,a,b], and a second kernel adds the runs in order,
// so that a long m fills the device without atomics.
// The kernel supplies: dims.m, dims.a, dims.b, dims.rows, dims.runs, and
//   alias/struct Column, fn column_at(quad) -> Column         what is known of a quad of B's columns before m is
//   alias/struct Row, fn row_at(m) -> Row, fn next_row(Row)   what is known of a row of B; outer-lanes.wgsl goes on without m
//   fn load_b(Row, Column) -> vec4f, and by outer-operands.wgsl
//   fn load_a(m, quad) -> vec4f, fn store_quad(run, a, quad of b, vec4f)      may get columns past b, never rows past a

const GROUP = 64u;
const ROUND = 8u;
const A_QUADS = 2u * TILE_A;
const B_QUADS = 2u * TILE_B;

var<workgroup> a_rows: array<vec4f, ROUND * A_QUADS>;
var<workgroup> b_rows: array<vec4f, ROUND * B_QUADS>;

alias Sums = array<array<vec4f, TILE_B / 4u>, TILE_A>;

fn compute_outer_tile(group: u32, index: u32) {
  let across = (dims.b + 8u * TILE_B - 1u) / (8u * TILE_B);
  let tiles = (dims.a + 8u * TILE_A - 1u) / (8u * TILE_A) * across;
  let run = group / tiles;
  if (run >= dims.runs) { return; }
  let a_first = group % tiles / across * A_QUADS;
  let b_first = group % across * B_QUADS;
  // Quads past the end repeat the last, and are not stored.
  let a_quad = min(a_first + index % A_QUADS, (dims.a + 3u) / 4u - 1u);
  let column = column_at(min(b_first + index % B_QUADS, (dims.b + 3u) / 4u - 1u));
  let end = min((run + 1u) * dims.rows, dims.m);
  var sums: Sums;
  for (var m0 = run * dims.rows; m0 < end; m0 += ROUND) {
    // The bound is not a constant, so compilers keep the loops (see gemm-tile.wgsl). Rows up to the next four are zero.
    let fours = (min(ROUND, end - m0) + 3u) / 4u;
    for (var r = index / A_QUADS; r < 4u * fours; r += 64u / A_QUADS) {
      var value = vec4f();
      if (m0 + r < end) { value = load_a(m0 + r, a_quad); }
      a_rows[r * A_QUADS + index % A_QUADS] = value;
    }
    for (var r = index / B_QUADS; r < 4u * fours; r += 64u / B_QUADS) {
      var value = vec4f();
      if (m0 + r < end) { value = load_b(row_at(m0 + r), column); }
      b_rows[r * B_QUADS + index % B_QUADS] = value;
    }
    workgroupBarrier();
    for (var four = 0u; four < fours; four++) { multiply_rows(&sums, 4u * four, index); }
    workgroupBarrier();
  }
  store_sums(&sums, run, a_first + index / 8u, b_first + index % 8u);
}

// Four rows from r0 on: a sum is taken up once for four products.
fn multiply_rows(sums: ptr<function, Sums>, r0: u32, index: u32) {
  var b: array<array<vec4f, 4>, TILE_B / 4u>;
  for (var j = 0u; j < TILE_B / 4u; j++) {
    for (var r = 0u; r < 4u; r++) { b[j][r] = b_rows[(r0 + r) * B_QUADS + index % 8u + 8u * j]; }
  }
  for (var i = 0u; i < TILE_A / 4u; i++) {
    var a: array<vec4f, 4>;
    for (var r = 0u; r < 4u; r++) { a[r] = a_rows[(r0 + r) * A_QUADS + index / 8u + 8u * i]; }
    for (var j = 0u; j < TILE_B / 4u; j++) {
      for (var e = 0u; e < 4u; e++) {
        var sum = (*sums)[4u * i + e][j];
        for (var r = 0u; r < 4u; r++) { sum = fma(vec4f(a[r][e]), b[j][r], sum); }
        (*sums)[4u * i + e][j] = sum;
      }
    }
  }
}

fn store_sums(sums: ptr<function, Sums>, run: u32, a_quad: u32, b_quad: u32) {
  for (var i = 0u; i < TILE_A; i++) {
    let a = 4u * (a_quad + 8u * (i / 4u)) + i % 4u;
    if (a >= dims.a) { continue; }
    for (var j = 0u; j < TILE_B / 4u; j++) { store_quad(run, a, b_quad + 8u * j, (*sums)[i][j]); }
  }
}
