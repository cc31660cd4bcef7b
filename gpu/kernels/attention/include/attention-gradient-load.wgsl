// The operands of the backward kernels of attention, whoever deals their rows to invocations: attention-gradient-tile.wgsl or
// attention-gradient-lanes.wgsl. q, k, v and dy are contiguous [batch, tokens, heads head_dim]; `at` counts elements. In packets
// of four, head_dim and the output's offset and pitch are multiples of four.

struct Dims {
  batch: u32, queries: u32, keys: u32, heads: u32, head_dim: u32,
  strips: u32, // ceil(head_dim / 4)
  out_offset: u32, out_pitch: u32, // of the gradient that is written
  scale: f32,
}

override has_mask: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> q: array<ActPacket>;
@group(0) @binding(2) var<storage, read> k: array<ActPacket>;
@group(0) @binding(3) var<storage, read> v: array<ActPacket>;
@group(0) @binding(4) var<storage, read> mask: array<i32>; // [batch, keys], 0 where not attended
@group(0) @binding(5) var<storage, read> dy: array<ActPacket>;

fn load_q(at: u32, strip: u32) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(q[at / 4u + strip])); }
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = wide(Packet(q[at + i])).x; }
  return value;
}

fn load_k(at: u32, strip: u32) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(k[at / 4u + strip])); }
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = wide(Packet(k[at + i])).x; }
  return value;
}

fn load_v(at: u32, strip: u32) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(v[at / 4u + strip])); }
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = wide(Packet(v[at + i])).x; }
  return value;
}

fn load_dy(at: u32, strip: u32) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(dy[at / 4u + strip])); }
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = wide(Packet(dy[at + i])).x; }
  return value;
}

// First element of a head of a token; tokens past the end repeat the last.
fn token_at(b: u32, tokens: u32, token: u32, head: u32) -> u32 {
  return ((b * tokens + min(token, tokens - 1u)) * dims.heads + head) * dims.head_dim;
}

fn attended(b: u32, key: u32) -> bool {
  if (key >= dims.keys) { return false; }
  return !has_mask || mask[b * dims.keys + key] != 0;
}
