// dq, dk or dv: the sums over columns of (a factor per row and column) x (the column's vector). Needs
// `attention-gradient-tile`, `attention-gradient-sides` and the loads. Of the sums an invocation holds strips (four channels) lane + 8 c, c < STRIPS.
// One kernel and three dispatches, not one dispatch with all sums: fewer registers, and each output can lie anywhere.

const PITCH = COLUMNS + 1u; // odd: lines read different banks

@group(0) @binding(7) var<storage, read_write> out: array<ActPacket>;

var<workgroup> factors: array<f32, 8u * ROWS * PITCH>;

alias Sums = array<array<vec4f, STRIPS>, ROWS>;

// What a row or column must know of the softmax, and whether its weights count at all.
struct Known { log_sum: vec4f, delta: vec4f, valid: vec4<bool> }

// What is known of row i where rows are queries, or of four columns where columns are.
fn known(h: Head, i: u32, c0: u32) -> Known {
  if (kind == 0u) {
    let pair = statistics_of(h, h.first + 8u * i);
    return Known(vec4f(pair.x), vec4f(pair.y), attended4(h, c0));
  }
  var result: Known;
  for (var j = 0u; j < 4u; j++) {
    let pair = statistics_of(h, c0 + h.lane + 8u * j);
    result.log_sum[j] = pair.x;
    result.delta[j] = pair.y;
  }
  result.valid = vec4<bool>(attended(h.b, h.first + 8u * i));
  return result;
}

fn store(at: u32, strip: u32, value: vec4f) {
  if (PACKET == 4u) {
    out[at / 4u + strip] = ActPacket(narrow(value));
    return;
  }
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) {
    out[at + i] = ActPacket(narrow(vec4f(value[i % 4u])));
  }
}

// P for dv, scale P (dP - delta) for dq and dk; columns past the end are published too, and not read.
fn publish_factors(h: Head, rows: Rows, c0: u32) {
  let columns = columns_at(h, column_tokens(), c0);
  let s = scores(rows, columns);
  var dp: Products;
  if (kind != 2u) { dp = weight_gradients(rows, columns); }
  for (var i = 0u; i < ROWS; i++) {
    let of_row = known(h, i, c0);
    var factor = select(vec4f(), exp(s[i] - of_row.log_sum), of_row.valid);
    if (kind != 2u) { factor *= (dp[i] - of_row.delta) * dims.scale; }
    for (var j = 0u; j < 4u; j++) { factors[(h.line + 8u * i) * PITCH + h.lane + 8u * j] = factor[j]; }
  }
}

fn compute_sums(tile: u32, index: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(row_tokens())) { return; }
  let h = head_of(tile, index, row_tokens());
  let rows = rows_at(h, row_tokens());
  var sums: Sums;
  for (var c0 = 0u; c0 < column_tokens(); c0 += COLUMNS) {
    publish_factors(h, rows, c0);
    workgroupBarrier();
    let count = min(COLUMNS, column_tokens() - c0);
    for (var column = 0u; column < count; column++) {
      let at = token_at(h.b, column_tokens(), c0 + column, h.head);
      var factor: array<f32, ROWS>;
      for (var i = 0u; i < ROWS; i++) { factor[i] = factors[(h.line + 8u * i) * PITCH + column]; }
      for (var c = 0u; c < STRIPS; c++) {
        let term = load_term(at, min(h.lane + 8u * c, dims.strips - 1u));
        for (var i = 0u; i < ROWS; i++) { sums[i][c] = fma(vec4f(factor[i]), term, sums[i][c]); }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < ROWS; i++) {
    let token = h.first + 8u * i;
    if (token >= row_tokens()) { break; }
    let at = dims.out_offset + (h.b * row_tokens() + token) * dims.out_pitch + h.head * dims.head_dim;
    for (var c = 0u; c < STRIPS; c++) {
      if (h.lane + 8u * c < dims.strips) { store(at, h.lane + 8u * c, sums[i][c]); }
    }
  }
}
