// What the backward kernels of attention share: the two tiles of products that each recomputes instead of
// storing a matrix of queries x keys (FlashAttention, arXiv:2205.14135, section 3.1 and algorithm 4). 8 x 8 invocations take
// 8 ROWS rows of one side through all columns of the other, 32 at a time. An invocation (lane, line) has rows line + 8 i
// and, of a tile of products, columns lane + 8 j.
// Needs `attention-gradient-load`. Others supply:
//   fn row_score / column_score / row_value / column_value (at, strip) -> vec4f          which of them meet: q k, dy v

const GROUP = 64u;
const COLUMNS = 32u;

alias Rows = array<u32, ROWS>;
alias Columns = array<u32, 4>;
alias Products = array<vec4f, ROWS>; // component j: column lane + 8 j
struct Head { b: u32, head: u32, first: u32, lane: u32, line: u32 } // first: the invocation's first row

fn tiles_of(rows: u32) -> u32 { return (rows + 8u * ROWS - 1u) / (8u * ROWS); }

fn head_of(tile: u32, index: u32, rows: u32) -> Head {
  let tiles = tiles_of(rows);
  let line = index / 8u;
  return Head(tile / tiles / dims.heads, tile / tiles % dims.heads, tile % tiles * 8u * ROWS + line, index % 8u, line);
}

fn rows_at(h: Head, tokens: u32) -> Rows {
  var at: Rows;
  for (var i = 0u; i < ROWS; i++) { at[i] = token_at(h.b, tokens, h.first + 8u * i, h.head); }
  return at;
}

fn columns_at(h: Head, tokens: u32, first: u32) -> Columns {
  var at: Columns;
  for (var j = 0u; j < 4u; j++) { at[j] = token_at(h.b, tokens, first + h.lane + 8u * j, h.head); }
  return at;
}

// Keys k0 + lane + 8 j.
fn attended4(h: Head, k0: u32) -> vec4<bool> {
  var valid: vec4<bool>;
  for (var j = 0u; j < 4u; j++) { valid[j] = attended(h.b, k0 + h.lane + 8u * j); }
  return valid;
}

// q . k, scaled.
fn scores(rows: Rows, columns: Columns) -> Products {
  var products: Products;
  for (var strip = 0u; strip < dims.strips; strip++) {
    var row: array<vec4f, ROWS>;
    for (var i = 0u; i < ROWS; i++) { row[i] = row_score(rows[i], strip); }
    for (var j = 0u; j < 4u; j++) {
      let column = column_score(columns[j], strip);
      for (var i = 0u; i < ROWS; i++) { products[i][j] += dot(row[i], column); }
    }
  }
  for (var i = 0u; i < ROWS; i++) { products[i] *= dims.scale; }
  return products;
}

// dy . v: the gradient of a weight of the softmax.
fn weight_gradients(rows: Rows, columns: Columns) -> Products {
  var products: Products;
  for (var strip = 0u; strip < dims.strips; strip++) {
    var row: array<vec4f, ROWS>;
    for (var i = 0u; i < ROWS; i++) { row[i] = row_value(rows[i], strip); }
    for (var j = 0u; j < 4u; j++) {
      let column = column_value(columns[j], strip);
      for (var i = 0u; i < ROWS; i++) { products[i][j] += dot(row[i], column); }
    }
  }
  return products;
}
