// include: finite, attention-tile
// out[b,n,h,:] = sum over l of softmax over l (scale q[b,n,h,:] . k[b,l,h,:]) v[b,l,h,:], keys with mask[b,l] = 0 left
// out; zeros where none is left. q [B,N,..], k and v [B,L,..] with own offsets and pitches, out [B,N,heads head_dim]. In packets
// of four, head_dim and these offsets and pitches are multiples of four. One workgroup of 64 takes 8 QUERIES queries of a head
// (include/attention-tile.wgsl). Source: scaled dot-product attention (arXiv:1706.03762).

@group(0) @binding(1) var<storage, read> q: array<ActPacket>;
@group(0) @binding(2) var<storage, read> k: array<ActPacket>;

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

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  attend(group.y * groups.x + group.x, index);
}
