// include: finite, attention-tile
// out[b,n,h,:] = sum over l of softmax over l (scale q[b,n,h,:] . k[b,l,h,:]) v[b,l,h,:], keys with mask[b,l] = 0 left
// out; zeros where none is left. q [B,N,..], k and v [B,L,..] with own offsets and pitches, out [B,N,heads head_dim].
// One workgroup of 64 takes 8 QUERIES queries of a head (include/attention-tile.wgsl). Any head_dim.
// Source: scaled dot-product attention (arXiv:1706.03762). attention-vec4.wgsl is the same with vector loads.

@group(0) @binding(1) var<storage, read> q: array<act>;
@group(0) @binding(2) var<storage, read> k: array<act>;
@group(0) @binding(3) var<storage, read> v: array<act>;
@group(0) @binding(5) var<storage, read_write> out: array<act>;

fn load_q(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(q[at + i]); }
  return value;
}

fn load_k(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(k[at + i]); }
  return value;
}

fn load_v(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(v[at + i]); }
  return value;
}

fn store(at: u32, strip: u32, value: vec4f) {
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { out[at + i] = stored(value[i % 4u]); }
}

fn load_v1(at: u32) -> f32 { return f32(v[at]); }
fn store1(at: u32, value: f32) { out[at] = stored(value); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  attend(group.y * groups.x + group.x, index);
}
