// include: finite, depthwise-row
// depthwise.wgsl where C is a multiple of four: one packet is four channels.

@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> weight: array<weight4>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<act4>;
@group(0) @binding(5) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(6) var<storage, read> norm_bias: array<vec4f>;

alias Packet = vec4f;

fn load_x(i: u32) -> Packet { return vec4f(x[i]); }
fn load_weight(i: u32) -> Packet { return unpack_weight(weight[i]); }
fn load_bias(i: u32) -> Packet { return bias[i]; }
fn store(i: u32, value: Packet) { out[i] = stored4(value); }
fn scale_and_shift(i: u32, value: Packet) -> Packet { return fma(value, norm_weight[i], norm_bias[i]); }
fn total(value: Packet) -> f32 { return dot(value, vec4f(1.0)); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_runs(group.y * groups.x + group.x, index);
}
