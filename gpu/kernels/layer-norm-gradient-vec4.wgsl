// include: row-reduce, layer-norm-gradient-row
// layer-norm-gradient.wgsl where c is a multiple of four.

@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> dy: array<act4>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<act4>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

alias Packet = vec4f;

fn load_x(i: u32) -> Packet { return vec4f(x[i]); }
fn load_dy(i: u32) -> Packet { return vec4f(dy[i]); }
fn load_weight(i: u32) -> Packet { return weight[i]; }
fn store(i: u32, value: Packet) { dx[i] = act4(value); }
fn total(value: Packet) -> f32 { return dot(value, vec4f(1.0)); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  normalize_back(group.y * groups.x + group.x, local);
}
