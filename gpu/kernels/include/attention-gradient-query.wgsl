// dq, and for the other kernel what a query's softmax came to. Rows are queries, columns keys. Needs `attention-gradient`
// and its loads. First a pass for the statistics: every invocation keeps maximum, sum and product of its own keys, and the
// eight of a query are joined once, in order. Then a pass for the sums.

@group(0) @binding(7) var<storage, read_write> statistics: array<vec2f>; // [batch, queries, heads]: log of the sum, delta

const LOWEST = -3.0e38; // below every score, and finite

// Over the keys of one query: max s, sum of exp(s - max), sum of exp(s - max) dy . v.
struct Softmax { highest: f32, sum: f32, product: f32 }

var<workgroup> of_lanes: array<Softmax, 64u * ROWS>;

fn row_score(at: u32, strip: u32) -> vec4f { return load_q(at, strip); }
fn column_score(at: u32, strip: u32) -> vec4f { return load_k(at, strip); }
fn row_value(at: u32, strip: u32) -> vec4f { return load_dy(at, strip); }
fn column_value(at: u32, strip: u32) -> vec4f { return load_v(at, strip); }

fn valid_keys(h: Head, k0: u32) -> vec4<bool> {
  var valid: vec4<bool>;
  for (var j = 0u; j < 4u; j++) { valid[j] = attended(h.b, k0 + h.lane + 8u * j); }
  return valid;
}

fn join(a: Softmax, b: Softmax) -> Softmax {
  let highest = max(a.highest, b.highest);
  let scale_a = exp(a.highest - highest);
  let scale_b = exp(b.highest - highest);
  return Softmax(highest, a.sum * scale_a + b.sum * scale_b, a.product * scale_a + b.product * scale_b);
}

// Log of the sum of exp(s), and delta = sum over keys of P dy . v, for each of the invocation's queries.
fn statistics_of(h: Head, rows: Rows) -> array<vec2f, ROWS> {
  var softmax: array<Softmax, ROWS>;
  for (var i = 0u; i < ROWS; i++) { softmax[i].highest = LOWEST; }
  for (var k0 = 0u; k0 < dims.keys; k0 += COLUMNS) {
    let valid = valid_keys(h, k0);
    let columns = columns_at(h, dims.keys, k0);
    let s = scores(rows, columns);
    let dp = weight_gradients(rows, columns);
    for (var i = 0u; i < ROWS; i++) {
      let score = select(vec4f(LOWEST), s[i], valid);
      let highest = max(max(score.x, score.y), max(score.z, score.w));
      let weight = select(vec4f(), exp(score - highest), valid);
      softmax[i] = join(softmax[i], Softmax(highest, dot(weight, vec4f(1.0)), dot(weight, dp[i])));
    }
  }
  for (var i = 0u; i < ROWS; i++) { of_lanes[(h.line + 8u * i) * 8u + h.lane] = softmax[i]; }
  workgroupBarrier();
  var result: array<vec2f, ROWS>;
  for (var i = 0u; i < ROWS; i++) {
    var all = of_lanes[(h.line + 8u * i) * 8u];
    for (var l = 1u; l < 8u; l++) { all = join(all, of_lanes[(h.line + 8u * i) * 8u + l]); }
    // Nothing attended: the output was zero whatever the inputs are, and no weight is asked for.
    if (all.sum > 0.0) { result[i] = vec2f(all.highest + log(all.sum), all.product / all.sum); }
  }
  return result;
}

fn query_gradient(tile: u32, index: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(dims.queries)) { return; }
  let h = head_of(tile, index, dims.queries);
  let rows = rows_at(h, dims.queries);
  let of_rows = statistics_of(h, rows);
  for (var i = 0u; i < ROWS; i++) {
    let query = h.first + 8u * i;
    if (h.lane == 0u && query < dims.queries) {
      statistics[(h.b * dims.queries + query) * dims.heads + h.head] = of_rows[i];
    }
  }
  var sums: Sums;
  for (var k0 = 0u; k0 < dims.keys; k0 += COLUMNS) {
    let valid = valid_keys(h, k0);
    let columns = columns_at(h, dims.keys, k0);
    let s = scores(rows, columns);
    var ds = weight_gradients(rows, columns);
    for (var i = 0u; i < ROWS; i++) {
      let p = select(vec4f(), exp(s[i] - of_rows[i].x), valid);
      ds[i] = p * (ds[i] - of_rows[i].y) * dims.scale;
    }
    publish(ds, h);
    workgroupBarrier();
    let keys = min(COLUMNS, dims.keys - k0);
    for (var key = 0u; key < keys; key++) {
      let k_at = token_at(h.b, dims.keys, k0 + key, h.head);
      for (var c = 0u; c < STRIPS; c++) {
        let value = load_k(k_at, min(h.lane + 8u * c, dims.strips - 1u));
        for (var i = 0u; i < ROWS; i++) {
          sums[i][c] = fma(vec4f(weights[(h.line + 8u * i) * PITCH + key]), value, sums[i][c]);
        }
      }
    }
    workgroupBarrier();
  }
  store_sums(sums, h, dims.queries);
}
