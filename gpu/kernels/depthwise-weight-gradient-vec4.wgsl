// include: depthwise-gradient-row
// depthwise-weight-gradient.wgsl where C is a multiple of four: one packet is four channels.

@group(0) @binding(1) var<storage, read> dy: array<act4>;
@group(0) @binding(2) var<storage, read> x: array<act4>;
@group(0) @binding(3) var<storage, read_write> out: array<act4>;

alias Packet = vec4f;

fn load_dy(i: u32) -> Packet { return vec4f(dy[i]); }
fn load_x(i: u32) -> Packet { return vec4f(x[i]); }
fn store(i: u32, value: Packet) { out[i] = act4(value); }

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  correlate((group.y * groups.x + group.x) * 64u + index);
}
