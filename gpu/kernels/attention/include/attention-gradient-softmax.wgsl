// The softmax of a query over some keys, and the joining of two: what attention-gradient-statistics.wgsl and its -lanes share.
// Rows are queries, columns keys.

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

// With four keys more: their scores, dy . v, and whether they count.
fn join4(softmax: Softmax, scores: vec4f, products: vec4f, valid: vec4<bool>) -> Softmax {
  let score = select(vec4f(LOWEST), scores, valid);
  let highest = max(max(score.x, score.y), max(score.z, score.w));
  let weight = select(vec4f(), exp(score - highest), valid);
  return join(softmax, Softmax(highest, dot(weight, vec4f(1.0)), dot(weight, products)));
}

fn store_statistics(h: Head, query: u32, all: Softmax) {
  // Nothing attended: no weight is asked for, and any finite pair will do.
  var pair = vec2f();
  if (all.sum > 0.0) { pair = vec2f(all.highest + log(all.sum), all.product / all.sum); }
  statistics[(h.b * dims.queries + query) * dims.heads + h.head] = pair;
}
