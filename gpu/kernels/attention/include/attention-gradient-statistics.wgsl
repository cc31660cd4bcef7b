// What every query's softmax came to. Rows are queries, columns keys; needs `attention-gradient-tile` and its loads. Every
// invocation keeps maximum, sum and product of its own keys; the eight of a query are joined once, in order.

@group(0) @binding(6) var<storage, read_write> statistics: array<vec2f>; // [batch, queries, heads]: log of the sum, delta

const LOWEST = -0x1.fffffep+127; // no score is below it, and it is finite

// Over some keys of one query: max s, sum of exp(s - max), sum of exp(s - max) dy . v.
struct Softmax { highest: f32, sum: f32, product: f32 }

var<workgroup> of_lanes: array<Softmax, 64u * ROWS>;

fn row_score(at: u32, strip: u32) -> vec4f { return load_q(at, strip); }
fn column_score(at: u32, strip: u32) -> vec4f { return load_k(at, strip); }
fn row_value(at: u32, strip: u32) -> vec4f { return load_dy(at, strip); }
fn column_value(at: u32, strip: u32) -> vec4f { return load_v(at, strip); }

fn join(a: Softmax, b: Softmax) -> Softmax {
  let highest = max(a.highest, b.highest);
  let scale_a = exp(a.highest - highest);
  let scale_b = exp(b.highest - highest);
  return Softmax(highest, a.sum * scale_a + b.sum * scale_b, a.product * scale_a + b.product * scale_b);
}

fn of_invocation(h: Head) -> array<Softmax, ROWS> {
  let rows = rows_at(h, dims.queries);
  var softmax: array<Softmax, ROWS>;
  for (var i = 0u; i < ROWS; i++) { softmax[i].highest = LOWEST; }
  for (var k0 = 0u; k0 < dims.keys; k0 += COLUMNS) {
    let columns = columns_at(h, dims.keys, k0);
    let s = scores(rows, columns);
    let dp = weight_gradients(rows, columns);
    let valid = attended4(h, k0);
    for (var i = 0u; i < ROWS; i++) {
      let score = select(vec4f(LOWEST), s[i], valid);
      let highest = max(max(score.x, score.y), max(score.z, score.w));
      let weight = select(vec4f(), exp(score - highest), valid);
      softmax[i] = join(softmax[i], Softmax(highest, dot(weight, vec4f(1.0)), dot(weight, dp[i])));
    }
  }
  return softmax;
}

fn compute_statistics(tile: u32, index: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(dims.queries)) { return; }
  let h = head_of(tile, index, dims.queries);
  let softmax = of_invocation(h);
  for (var i = 0u; i < ROWS; i++) { of_lanes[(h.line + 8u * i) * 8u + h.lane] = softmax[i]; }
  workgroupBarrier();
  let query = h.first - h.line + index; // one invocation a query now
  if (index >= 8u * ROWS || query >= dims.queries) { return; }
  var all = of_lanes[index * 8u];
  for (var lane = 1u; lane < 8u; lane++) { all = join(all, of_lanes[index * 8u + lane]); }
  // Nothing attended: no weight is asked for, and any finite pair will do.
  var pair = vec2f();
  if (all.sum > 0.0) { pair = vec2f(all.highest + log(all.sum), all.product / all.sum); }
  statistics[(h.b * dims.queries + query) * dims.heads + h.head] = pair;
}
