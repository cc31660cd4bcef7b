// dk, or dv with `of_values`: rows are keys, columns queries. Needs `attention-gradient` and its loads. Two dispatches rather
// than one with both sums: either holds half the registers, and its output can lie anywhere.

override of_values: bool = false;

@group(0) @binding(7) var<storage, read> statistics: array<vec2f>; // as the query kernel left them

fn row_score(at: u32, strip: u32) -> vec4f { return load_k(at, strip); }
fn column_score(at: u32, strip: u32) -> vec4f { return load_q(at, strip); }
fn row_value(at: u32, strip: u32) -> vec4f { return load_v(at, strip); }
fn column_value(at: u32, strip: u32) -> vec4f { return load_dy(at, strip); }

// What a query adds to the key's sum: P dy, or scale P (dy . v - delta) q.
fn factors(h: Head, rows: Rows, valid: array<bool, ROWS>, q0: u32) -> Products {
  let columns = columns_at(h, dims.queries, q0);
  var log_sum: vec4f;
  var delta: vec4f;
  for (var j = 0u; j < 4u; j++) {
    let query = min(q0 + h.lane + 8u * j, dims.queries - 1u);
    let pair = statistics[(h.b * dims.queries + query) * dims.heads + h.head];
    log_sum[j] = pair.x;
    delta[j] = pair.y;
  }
  var result = scores(rows, columns);
  for (var i = 0u; i < ROWS; i++) { result[i] = select(vec4f(), exp(result[i] - log_sum), valid[i]); }
  if (of_values) { return result; }
  let dp = weight_gradients(rows, columns);
  for (var i = 0u; i < ROWS; i++) { result[i] *= (dp[i] - delta) * dims.scale; }
  return result;
}

fn key_gradient(tile: u32, index: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(dims.keys)) { return; }
  let h = head_of(tile, index, dims.keys);
  let rows = rows_at(h, dims.keys);
  var valid: array<bool, ROWS>;
  for (var i = 0u; i < ROWS; i++) { valid[i] = attended(h.b, h.first + 8u * i); }
  var sums: Sums;
  for (var q0 = 0u; q0 < dims.queries; q0 += COLUMNS) {
    publish(factors(h, rows, valid, q0), h);
    workgroupBarrier();
    let queries = min(COLUMNS, dims.queries - q0);
    for (var query = 0u; query < queries; query++) {
      let at = token_at(h.b, dims.queries, q0 + query, h.head);
      for (var c = 0u; c < STRIPS; c++) {
        let strip = min(h.lane + 8u * c, dims.strips - 1u);
        var value: vec4f;
        if (of_values) { value = load_dy(at, strip); } else { value = load_q(at, strip); }
        for (var i = 0u; i < ROWS; i++) {
          sums[i][c] = fma(vec4f(weights[(h.line + 8u * i) * PITCH + query]), value, sums[i][c]);
        }
      }
    }
    workgroupBarrier();
  }
  store_sums(sums, h, dims.keys);
}
