// enable: subgroups
// attention-gradient-tile.wgsl for adapters whose invocations are the lanes of a CPU's vectors (see gemm-lanes.wgsl): one
// subgroup of LANES invocations is a workgroup and takes LANES rows of one side through all columns of the other, 4 LANES at
// a time. Of a tile of products an invocation has all rows and columns lane + LANES j; its own row's numbers reach the
// others by shuffling. What others supply is as there.

const GROUP = LANES;
const TILE = 4u * LANES; // columns

alias Columns = array<u32, 4>;
alias Products = array<vec4f, LANES>; // of a row; component j: column lane + LANES j
struct Head { b: u32, head: u32, first: u32, lane: u32 } // first: row 0 of the tile

fn tiles_of(rows: u32) -> u32 { return (rows + LANES - 1u) / LANES; }

fn head_of(tile: u32, lane: u32, rows: u32) -> Head {
  let tiles = tiles_of(rows);
  return Head(tile / tiles / dims.heads, tile / tiles % dims.heads, tile % tiles * LANES, lane);
}

fn columns_at(h: Head, tokens: u32, first: u32) -> Columns {
  var at: Columns;
  for (var j = 0u; j < 4u; j++) { at[j] = token_at(h.b, tokens, first + h.lane + LANES * j, h.head); }
  return at;
}

// Keys k0 + lane + LANES j.
fn attended4(h: Head, k0: u32) -> vec4<bool> {
  var valid: vec4<bool>;
  for (var j = 0u; j < 4u; j++) { valid[j] = attended(h.b, k0 + h.lane + LANES * j); }
  return valid;
}

// q . k, scaled; `row` is the invocation's own.
fn scores(row: u32, columns: Columns) -> Products {
  var products: Products;
  for (var strip = 0u; strip < dims.strips; strip++) {
    let own = row_score(row, strip);
    let c0 = column_score(columns[0], strip);
    let c1 = column_score(columns[1], strip);
    let c2 = column_score(columns[2], strip);
    let c3 = column_score(columns[3], strip);
    for (var i = 0u; i < LANES; i++) {
      let x = subgroupShuffle(own, i);
      products[i] += vec4f(dot(x, c0), dot(x, c1), dot(x, c2), dot(x, c3));
    }
  }
  for (var i = 0u; i < LANES; i++) { products[i] *= dims.scale; }
  return products;
}

// dy . v: the gradient of a weight of the softmax.
fn weight_gradients(row: u32, columns: Columns) -> Products {
  var products: Products;
  for (var strip = 0u; strip < dims.strips; strip++) {
    let own = row_value(row, strip);
    let c0 = column_value(columns[0], strip);
    let c1 = column_value(columns[1], strip);
    let c2 = column_value(columns[2], strip);
    let c3 = column_value(columns[3], strip);
    for (var i = 0u; i < LANES; i++) {
      let x = subgroupShuffle(own, i);
      products[i] += vec4f(dot(x, c0), dot(x, c1), dot(x, c2), dot(x, c3));
    }
  }
  return products;
}
