// include: finite, row-reduce, layer-norm-row
// As layer-norm, for c a multiple of 4: all loads are quads, and dims.units = c / 4.
// x, pre, post, y [m,c] act; weight, bias [c] f32.

@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> pre: array<act4>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> post: array<act4>;
@group(0) @binding(6) var<storage, read_write> y: array<act4>;

alias Packet = vec4f;

fn total(value: Packet) -> f32 { return dot(value, vec4f(1.0)); }

fn load(at: u32) -> Packet {
  var v = vec4f(x[at]);
  if (dims.has_pre != 0u) { v += vec4f(pre[at]); }
  return v;
}

fn finish(at: u32, i: u32, value: Packet) {
  var v = value;
  if (dims.has_affine != 0u) { v = v * weight[i] + bias[i]; }
  if (dims.has_post != 0u) { v += vec4f(post[at]); }
  y[at] = stored4(v);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  normalize_rows(group.y * groups.x + group.x, local);
}
