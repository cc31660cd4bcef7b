// One workgroup's tile of y[m,n] = sum over k of x[m,k] w[n,k]: LINES x 8 invocations, each with TILE_M x TILE_N sums in
// registers, rows interleaved by LINES and columns by 8. Every round stages four strips (a strip: four consecutive k) of
// LINES TILE_M rows of x and 8 TILE_N rows of w in workgroup memory, so that global reads are rows of 64 bytes and each
// number read from there serves LINES TILE_M or 8 TILE_N sums. TILE_M and TILE_N are multiples of four, LINES is 8 or 16.
// The kernel supplies what differs between a linear layer and a convolution:
//   dims.m, dims.n, dims.strips      strips = ceil(K / 4)
//   alias/struct XRow, fn x_row(m)   what is known of a row of x before k is
//   alias/struct Strip, fn strip_at(k)
//   fn load_x(XRow, Strip) -> vec4f, fn load_weight(n, k, Strip) -> vec4f      zero past K within a strip
//   fn finish(m, n, sum)             the epilogue and the store

const GROUP = 8u * LINES;
const STRIPS = 4u;
const PITCH = STRIPS + 1u; // odd, so that eight lanes reading a column of vec4 meet no bank twice
const FILLERS = GROUP / STRIPS;
const W_FILLS = 8u * TILE_N / FILLERS;
const W_TILE = LINES * TILE_M * PITCH;

// Rows of x, then rows of w; at the end, four rows of sums of each invocation.
var<workgroup> tiles: array<vec4f, max(W_TILE + 8u * TILE_N * PITCH, TILE_N * GROUP)>;

alias Sums = array<array<f32, TILE_N>, TILE_M>;

// index: local invocation index; its sums are those of rows m0 + index / 8 + LINES i and columns n0 + index % 8 + 8 j. Rows
// and columns past the end repeat the last and are not stored.
fn compute_tile(tile: u32, index: u32) {
  let columns = (dims.n + 8u * TILE_N - 1u) / (8u * TILE_N);
  let m0 = tile / columns * LINES * TILE_M;
  let n0 = tile % columns * 8u * TILE_N; // tiles along n first, so that neighbours share rows of x
  if (m0 >= dims.m) { return; }
  let column = index % STRIPS;
  let filler = index / STRIPS;
  var x_rows: array<XRow, TILE_M / 2u>;
  var w_rows: array<u32, W_FILLS>;
  for (var i = 0u; i < TILE_M / 2u; i++) { x_rows[i] = x_row(min(m0 + filler + FILLERS * i, dims.m - 1u)); }
  for (var j = 0u; j < W_FILLS; j++) { w_rows[j] = min(n0 + filler + FILLERS * j, dims.n - 1u); }
  var sums: Sums;
  for (var k0 = 0u; k0 < dims.strips; k0 += STRIPS) {
    let k = k0 + column;
    if (k < dims.strips) {
      let strip = strip_at(k);
      for (var i = 0u; i < TILE_M / 2u; i++) {
        tiles[(filler + FILLERS * i) * PITCH + column] = load_x(x_rows[i], strip);
      }
      for (var j = 0u; j < W_FILLS; j++) {
        tiles[W_TILE + (filler + FILLERS * j) * PITCH + column] = load_weight(w_rows[j], k, strip);
      }
    }
    workgroupBarrier();
    // The bound is not a constant, so compilers keep the loop: unrolled, it costs llvmpipe a second a pipeline.
    let strips = min(STRIPS, dims.strips - k0);
    for (var s = 0u; s < strips; s++) { multiply_strip(&sums, index, s); }
    workgroupBarrier();
  }
  store_tile(&sums, m0 + index / 8u, n0 + index % 8u, min(n0 + 8u * TILE_N, dims.n), index);
}

fn multiply_strip(sums: ptr<function, Sums>, index: u32, s: u32) {
  var a: array<vec4f, TILE_M>;
  for (var i = 0u; i < TILE_M; i++) { a[i] = tiles[(index / 8u + LINES * i) * PITCH + s]; }
  for (var j = 0u; j < TILE_N; j++) {
    let b = tiles[W_TILE + (index % 8u + 8u * j) * PITCH + s];
    for (var i = 0u; i < TILE_M; i++) {
      let sum = (*sums)[i][j];
      (*sums)[i][j] = fma(a[i].x, b.x, fma(a[i].y, b.y, fma(a[i].z, b.z, fma(a[i].w, b.w, sum))));
    }
  }
}

// Sums pass through the invocation's own slots of workgroup memory, four rows at a time: the epilogue is compiled once
// or twice, not once for each of up to 64 sums, and registers are never indexed by a variable.
fn store_tile(sums: ptr<function, Sums>, m_first: u32, n_first: u32, n_end: u32, index: u32) {
  for (var block = 0u; block < TILE_M; block += 4u) {
    for (var i = 0u; i < 4u; i++) {
      for (var j = 0u; j < TILE_N; j += 4u) {
        let four = vec4f((*sums)[block + i][j], (*sums)[block + i][j + 1u], (*sums)[block + i][j + 2u], (*sums)[block + i][j + 3u]);
        tiles[(i * TILE_N + j) / 4u * GROUP + index] = four;
      }
    }
    let m_end = min(m_first + LINES * (block + 4u), dims.m);
    var row = index;
    for (var m = m_first + LINES * block; m < m_end; m += LINES) {
      var j = 0u;
      for (var n = n_first; n < n_end; n += 8u) {
        finish(m, n, tiles[row + j / 4u * GROUP][j % 4u]);
        j++;
      }
      row += TILE_N / 4u * GROUP;
    }
  }
}
