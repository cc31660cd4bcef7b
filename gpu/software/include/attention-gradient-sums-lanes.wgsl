// include: attention-gradient-single
// attention-gradient-sums.wgsl over the tile of attention-gradient-lanes.wgsl. Of the sums an invocation has all rows and, in
// each part of COLUMNS LANES channels, channels lane + LANES j. Needs `attention-gradient-sides`.

@group(0) @binding(7) var<storage, read_write> out: array<act>;

const PART = COLUMNS * LANES;

alias Part = array<array<f32, COLUMNS>, LANES>; // of a row: channels lane + LANES j

// As load_term, one element.
fn load_term1(at: u32) -> f32 {
  if (kind == 0u) { return load_k1(at); }
  if (kind == 1u) { return load_q1(at); }
  return load_dy1(at);
}

// P for dv, scale P (dP - delta) for dq and dk; zero for columns past the end.
fn factors_of(h: Head, row: u32, c0: u32) -> Products {
  let columns = columns_at(h, column_tokens(), c0);
  var factors = scores(row, columns);
  var dp: Products;
  if (kind != 2u) { dp = weight_gradients(row, columns); }
  // What a row or column must know of the softmax: its query's, and whether the weights of its key count at all.
  let own = statistics_of(h, h.first + h.lane);
  let counts = u32(attended(h.b, h.first + h.lane));
  var log_sum: vec4f;
  var delta: vec4f;
  var within: vec4<bool>;
  if (kind == 0u) {
    within = attended4(h, c0);
  } else {
    for (var j = 0u; j < 4u; j++) {
      let query = c0 + h.lane + LANES * j;
      let pair = statistics_of(h, query);
      log_sum[j] = pair.x;
      delta[j] = pair.y;
      within[j] = query < dims.queries;
    }
  }
  for (var i = 0u; i < LANES; i++) {
    var valid = within;
    if (kind == 0u) {
      log_sum = vec4f(subgroupShuffle(own.x, i));
      delta = vec4f(subgroupShuffle(own.y, i));
    } else {
      valid = within & vec4<bool>(subgroupShuffle(counts, i) != 0u);
    }
    factors[i] = select(vec4f(), exp(factors[i] - log_sum), valid);
    if (kind != 2u) { factors[i] *= (dp[i] - delta) * dims.scale; }
  }
  return factors;
}

// part += factors x terms over up to TILE columns from c0 on; channels past the end repeat the last.
fn add_terms(part: ptr<function, Part>, factors: ptr<function, Products>, h: Head, c0: u32, channel: u32) {
  let count = min(TILE, column_tokens() - c0);
  for (var l = 0u; l < min(LANES, count); l++) {
    for (var j = 0u; j < 4u; j++) {
      let at = token_at(h.b, column_tokens(), c0 + l + LANES * j, h.head);
      var term: array<f32, COLUMNS>;
      for (var c = 0u; c < COLUMNS; c++) { term[c] = load_term1(at + min(channel + LANES * c, dims.head_dim - 1u)); }
      for (var i = 0u; i < LANES; i++) {
        let factor = subgroupShuffle((*factors)[i][j], l);
        for (var c = 0u; c < COLUMNS; c++) { (*part)[i][c] += factor * term[c]; }
      }
    }
  }
}

fn compute_sums(tile: u32, lane: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(row_tokens())) { return; }
  let h = head_of(tile, lane, row_tokens());
  let row = token_at(h.b, row_tokens(), h.first + lane, h.head);
  let parts = (dims.head_dim + PART - 1u) / PART;
  var sums: array<Part, PARTS>;
  for (var c0 = 0u; c0 < column_tokens(); c0 += TILE) {
    var factors = factors_of(h, row, c0);
    for (var p = 0u; p < parts; p++) {
      var part = sums[p];
      add_terms(&part, &factors, h, c0, p * PART + lane);
      sums[p] = part;
    }
  }
  for (var p = 0u; p < parts; p++) {
    for (var i = 0u; i < min(LANES, row_tokens() - h.first); i++) {
      let at = dims.out_offset + (h.b * row_tokens() + h.first + i) * dims.out_pitch + h.head * dims.head_dim;
      for (var c = 0u; c < COLUMNS; c++) {
        let n = p * PART + lane + LANES * c;
        if (n < dims.head_dim) { out[at + n] = sums[p][i][c]; }
      }
    }
  }
}
