// include: row-reduce-lanes
// attention-tile.wgsl for adapters whose invocations are the lanes of a CPU's vectors (see gemm-lanes.wgsl): one subgroup of
// LANES invocations is a workgroup and takes LANES queries of one head through all keys, 4 LANES at a time. Of a tile of
// scores an invocation has all queries and keys lane + LANES j; of the output all queries and, in each part of 4 LANES
// channels, channels lane + LANES c. Its own query's numbers reach the others by shuffling; no workgroup memory. The two
// products are unrolled; all else is loops whose bounds compilers do not know, over arrays that lie in memory.
// The kernel supplies what attention-tile.wgsl asks for. Values and outputs are taken one by one: a lane's channels are no neighbours.

struct Dims {
  batch: u32, queries: u32, keys: u32, heads: u32, head_dim: u32,
  strips: u32, // ceil(head_dim / 4)
  q_offset: u32, q_pitch: u32, k_offset: u32, k_pitch: u32, v_offset: u32, v_pitch: u32,
  scale: f32,
  has_mask: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(3) var<storage, read> v: array<act>;
@group(0) @binding(4) var<storage, read> mask: array<i32>; // [batch, keys], 0 where not attended
@group(0) @binding(5) var<storage, read_write> out: array<act>;

const KEYS = 4u * LANES;
const PART = 4u * LANES;
const LOWEST = -0x1.fffffep+127; // no score is below it, and it is finite: exp(LOWEST - LOWEST) is 1

alias Scores = array<vec4f, LANES>; // of a query: keys lane + LANES j

fn scores_of(q_at: u32, k_first: u32, k0: u32, lane: u32) -> Scores {
  var scores: Scores;
  for (var strip = 0u; strip < dims.strips; strip++) {
    let own = load_q(q_at, strip);
    var a: vec4f; // keys lane + LANES j, moved along so that one place reads them (software/lane-includes.ts)
    var b: vec4f;
    var c: vec4f;
    var d: vec4f;
    for (var key = k0 + lane; key < k0 + KEYS; key += LANES) {
      a = b;
      b = c;
      c = d;
      d = load_k(k_first + min(key, dims.keys - 1u) * dims.k_pitch, strip);
    }
    for (var i = 0u; i < LANES; i++) {
      let q = from_lane(own, i);
      scores[i] += vec4f(dot(q, a), dot(q, b), dot(q, c), dot(q, d));
    }
  }
  return scores;
}

fn attended(b: u32, k0: u32, lane: u32) -> vec4<bool> {
  var result: vec4<bool>;
  var j = 0u;
  for (var key = k0 + lane; key < min(k0 + KEYS, dims.keys); key += LANES) {
    result[j] = true;
    if (dims.has_mask != 0u) { result[j] = mask[b * dims.keys + key] != 0; }
    j++;
  }
  return result;
}

// A part of the output, [LANES queries, 4 of a lane's channels], with the products of `weights` and the values of keys k0 to
// k_end added; channels past the end repeat the last.
fn add_values(part: Scores, weights: ptr<function, Scores>, v_first: u32, k0: u32, k_end: u32, channel: u32) -> Scores {
  var at: array<u32, 4>;
  for (var c = 0u; c < 4u; c++) { at[c] = v_first + min(channel + LANES * c, dims.head_dim - 1u); }
  var sums = part;
  for (var l = 0u; l < LANES; l++) {
    var j = 0u;
    for (var key = k0 + l; key < k_end; key += LANES) {
      let row = key * dims.v_pitch;
      let value = vec4f(f32(v[at[0] + row]), f32(v[at[1] + row]), f32(v[at[2] + row]), f32(v[at[3] + row]));
      for (var i = 0u; i < LANES; i++) { sums[i] += number_from_lane((*weights)[i][j], l) * value; }
      j++;
    }
  }
  return sums;
}

fn attend(group: u32, local: u32) {
  let tile = piece_of(group, local);
  let lane = lane_of(local);
  let tiles = (dims.queries + LANES - 1u) / LANES;
  let head = tile / tiles % dims.heads;
  let b = tile / tiles / dims.heads;
  if (b >= dims.batch) { return; }
  let first = tile % tiles * LANES;
  let end = min(first + LANES, dims.queries);
  let channel = head * dims.head_dim;
  let q_at = dims.q_offset + (b * dims.queries + min(first + lane, dims.queries - 1u)) * dims.q_pitch + channel;
  let k_first = dims.k_offset + b * dims.keys * dims.k_pitch + channel;
  let v_first = dims.v_offset + b * dims.keys * dims.v_pitch + channel;
  let parts = (dims.head_dim + PART - 1u) / PART;
  var running_max: array<f32, LANES>;
  for (var i = 0u; i < LANES; i++) { running_max[i] = LOWEST; }
  var running_sum: array<f32, LANES>; // of the invocation's own keys
  var output: array<vec4f, PARTS * LANES>;

  for (var k0 = 0u; k0 < dims.keys; k0 += KEYS) {
    let valid = attended(b, k0, lane);
    var weights = scores_of(q_at, k_first, k0, lane);
    var shrink: array<f32, LANES>;
    for (var query = first; query < end; query++) {
      let i = query - first;
      let score = select(vec4f(LOWEST), weights[i] * dims.scale, valid);
      let before = running_max[i];
      let highest = max(before, row_max(max(max(score.x, score.y), max(score.z, score.w)), lane, LANES));
      let weight = select(vec4f(), keep4(exp(score - highest), score), valid);
      let factor = exp(before - highest);
      weights[i] = weight;
      shrink[i] = factor;
      running_sum[i] = running_sum[i] * factor + dot(weight, vec4f(1.0));
      running_max[i] = highest;
    }
    for (var p = 0u; p < parts; p++) {
      var part: Scores;
      for (var i = 0u; i < end - first; i++) { part[i] = output[p * LANES + i] * shrink[i]; }
      part = add_values(part, &weights, v_first, k0, min(k0 + KEYS, dims.keys), p * PART + lane);
      for (var i = 0u; i < end - first; i++) { output[p * LANES + i] = part[i]; }
    }
  }

  for (var query = first; query < end; query++) {
    let i = query - first;
    let sum = row_sum(running_sum[i], lane, LANES);
    let factor = keep(select(0.0, 1.0 / sum, sum > 0.0), sum); // nothing attended: zeros
    let at = (b * dims.queries + query) * dims.heads * dims.head_dim + channel;
    var c = 0u;
    for (var n = lane; n < dims.head_dim; n += LANES) {
      out[at + n] = stored(output[c / 4u * LANES + i][c % 4u] * factor);
      c++;
    }
  }
}
