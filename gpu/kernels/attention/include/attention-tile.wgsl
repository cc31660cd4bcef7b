// Attention without the matrix of scores (FlashAttention, arXiv:2205.14135): 8 x 8 invocations take 8 QUERIES queries of
// one head through all keys, 32 at a time, with a running maximum and sum. An invocation (lane, line) has queries
// line + 8 i; of the scores it computes keys lane + 8 j, of the output it holds strips (four channels) lane + 8 c, c < STRIPS.
// The kernel supplies q and k, `at` counted in elements, zero past head_dim:
//   fn load_q(at, strip) -> vec4f, fn load_k(at, strip) -> vec4f

struct Dims {
  batch: u32, queries: u32, keys: u32, heads: u32, head_dim: u32,
  strips: u32, // ceil(head_dim / 4)
  q_offset: u32, q_pitch: u32, k_offset: u32, k_pitch: u32, v_offset: u32, v_pitch: u32,
  scale: f32,
}

override has_mask: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(3) var<storage, read> v: array<ActPacket>;
@group(0) @binding(4) var<storage, read> mask: array<i32>; // [batch, keys], 0 where not attended
@group(0) @binding(5) var<storage, read_write> out: array<ActPacket>;

const GROUP = 64u;
const KEYS = 32u;
const PITCH = KEYS + 1u; // odd: lines read different banks
const LOWEST = -0x1.fffffep+127; // no score is below it, and it is finite: exp(LOWEST - LOWEST) is 1

var<workgroup> weights: array<f32, 8u * QUERIES * PITCH>;
var<workgroup> lane_max: array<f32, 64u * QUERIES>;
var<workgroup> lane_sum: array<f32, 64u * QUERIES>;

alias Scores = array<vec4f, QUERIES>; // component j: key lane + 8 j
alias PerQuery = array<f32, QUERIES>;

fn load_v(at: u32, strip: u32) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(v[at / 4u + strip])); }
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = wide(Packet(v[at + i])).x; }
  return value;
}

fn store(at: u32, strip: u32, value: vec4f) {
  if (PACKET == 4u) {
    out[at / 4u + strip] = stored_packet(narrow(value));
    return;
  }
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) {
    out[at + i] = stored_packet(narrow(vec4f(value[i % 4u])));
  }
}

// Rows of q and of the 32 keys from `k0` on, in elements.
fn scores_of(q_at: array<u32, QUERIES>, k_first: u32, k0: u32, lane: u32) -> Scores {
  var k_at: array<u32, 4>;
  for (var j = 0u; j < 4u; j++) { k_at[j] = k_first + min(k0 + lane + 8u * j, dims.keys - 1u) * dims.k_pitch; }
  var scores: Scores;
  for (var strip = 0u; strip < dims.strips; strip++) {
    var q: array<vec4f, QUERIES>;
    for (var i = 0u; i < QUERIES; i++) { q[i] = load_q(q_at[i], strip); }
    for (var j = 0u; j < 4u; j++) {
      let k = load_k(k_at[j], strip);
      for (var i = 0u; i < QUERIES; i++) { scores[i][j] += dot(q[i], k); }
    }
  }
  return scores;
}

fn attended(b: u32, k0: u32, lane: u32) -> vec4<bool> {
  var result: vec4<bool>;
  for (var j = 0u; j < 4u; j++) {
    let key = k0 + lane + 8u * j;
    result[j] = key < dims.keys;
    if (has_mask && key < dims.keys) { result[j] = mask[b * dims.keys + key] != 0; }
  }
  return result;
}

fn attend(tile: u32, index: u32) {
  let tiles = (dims.queries + 8u * QUERIES - 1u) / (8u * QUERIES);
  let head = tile / tiles % dims.heads;
  let b = tile / tiles / dims.heads;
  if (b >= dims.batch) { return; }
  let lane = index % 8u;
  let line = index / 8u;
  let first = tile % tiles * 8u * QUERIES + line;
  let channel = head * dims.head_dim;
  var q_at: array<u32, QUERIES>;
  for (var i = 0u; i < QUERIES; i++) {
    q_at[i] = dims.q_offset + (b * dims.queries + min(first + 8u * i, dims.queries - 1u)) * dims.q_pitch + channel;
  }
  let k_first = dims.k_offset + b * dims.keys * dims.k_pitch + channel;
  let v_first = dims.v_offset + b * dims.keys * dims.v_pitch + channel;
  var running_max: PerQuery;
  for (var i = 0u; i < QUERIES; i++) { running_max[i] = LOWEST; }
  var running_sum: PerQuery;
  var output: array<array<vec4f, STRIPS>, QUERIES>;

  for (var k0 = 0u; k0 < dims.keys; k0 += KEYS) {
    let valid = attended(b, k0, lane);
    var scores = scores_of(q_at, k_first, k0, lane);
    for (var i = 0u; i < QUERIES; i++) {
      scores[i] = select(vec4f(LOWEST), scores[i] * dims.scale, valid);
      lane_max[(line + 8u * i) * 8u + lane] = max(max(scores[i].x, scores[i].y), max(scores[i].z, scores[i].w));
    }
    workgroupBarrier();
    for (var i = 0u; i < QUERIES; i++) {
      let row = line + 8u * i;
      var highest = running_max[i];
      for (var l = 0u; l < 8u; l++) { highest = max(highest, lane_max[row * 8u + l]); }
      let weight = select(vec4f(), keep4(exp(scores[i] - highest), scores[i]), valid);
      for (var j = 0u; j < 4u; j++) { weights[row * PITCH + lane + 8u * j] = weight[j]; }
      lane_sum[row * 8u + lane] = dot(weight, vec4f(1.0));
      let shrink = exp(running_max[i] - highest);
      running_sum[i] *= shrink;
      for (var c = 0u; c < STRIPS; c++) { output[i][c] *= shrink; }
      running_max[i] = highest;
    }
    workgroupBarrier();
    for (var i = 0u; i < QUERIES; i++) {
      for (var l = 0u; l < 8u; l++) { running_sum[i] += lane_sum[(line + 8u * i) * 8u + l]; }
    }
    let keys = min(KEYS, dims.keys - k0);
    for (var key = 0u; key < keys; key++) {
      let v_at = v_first + (k0 + key) * dims.v_pitch;
      var weight: PerQuery;
      for (var i = 0u; i < QUERIES; i++) { weight[i] = weights[(line + 8u * i) * PITCH + key]; }
      for (var c = 0u; c < STRIPS; c++) {
        let v = load_v(v_at, min(lane + 8u * c, dims.strips - 1u));
        for (var i = 0u; i < QUERIES; i++) { output[i][c] = fma(vec4f(weight[i]), v, output[i][c]); }
      }
    }
  }

  for (var i = 0u; i < QUERIES; i++) {
    let query = first + 8u * i;
    if (query >= dims.queries) { break; }
    let at = (b * dims.queries + query) * dims.heads * dims.head_dim + channel;
    let inverse = keep(select(0.0, 1.0 / running_sum[i], running_sum[i] > 0.0), running_sum[i]); // nothing attended: zeros
    for (var c = 0u; c < STRIPS; c++) {
      if (lane + 8u * c < dims.strips) { store(at, lane + 8u * c, output[i][c] * inverse); }
    }
  }
}
