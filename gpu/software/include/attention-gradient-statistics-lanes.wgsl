// attention-gradient-statistics.wgsl over the tile of attention-gradient-lanes.wgsl: every invocation keeps maximum, sum and
// product of its own keys, for all rows; the lanes are joined once, pair by pair.

@group(0) @binding(6) var<storage, read_write> statistics: array<vec2f>; // [batch, queries, heads]: log of the sum, delta

const LOWEST = -0x1.fffffep+127; // no score is below it, and it is finite

// Over some keys of one query: max s, sum of exp(s - max), sum of exp(s - max) dy . v.
struct Softmax { highest: f32, sum: f32, product: f32 }

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

fn compute_statistics(tile: u32, lane: u32) {
  if (tile >= dims.batch * dims.heads * tiles_of(dims.queries)) { return; }
  let h = head_of(tile, lane, dims.queries);
  let row = token_at(h.b, dims.queries, h.first + lane, h.head);
  var softmax: array<Softmax, LANES>;
  for (var i = 0u; i < LANES; i++) { softmax[i].highest = LOWEST; }
  for (var k0 = 0u; k0 < dims.keys; k0 += TILE) {
    let columns = columns_at(h, dims.keys, k0);
    let s = scores(row, columns);
    let dp = weight_gradients(row, columns);
    let valid = attended4(h, k0);
    for (var i = 0u; i < LANES; i++) {
      let score = select(vec4f(LOWEST), s[i], valid);
      let highest = max(max(score.x, score.y), max(score.z, score.w));
      let weight = select(vec4f(), exp(score - highest), valid);
      softmax[i] = join(softmax[i], Softmax(highest, dot(weight, vec4f(1.0)), dot(weight, dp[i])));
    }
  }
  var own: Softmax; // of query first + lane
  for (var i = 0u; i < LANES; i++) {
    var all = softmax[i];
    for (var step = LANES / 2u; step > 0u; step /= 2u) {
      let other = Softmax(
        subgroupShuffleXor(all.highest, step),
        subgroupShuffleXor(all.sum, step),
        subgroupShuffleXor(all.product, step),
      );
      all = join(all, other);
    }
    if (i == lane) { own = all; }
  }
  let query = h.first + lane;
  if (query >= dims.queries) { return; }
  // Nothing attended: no weight is asked for, and any finite pair will do.
  var pair = vec2f();
  if (own.sum > 0.0) { pair = vec2f(own.highest + log(own.sum), own.product / own.sum); }
  statistics[(h.b * dims.queries + query) * dims.heads + h.head] = pair;
}
