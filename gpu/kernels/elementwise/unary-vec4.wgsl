// include: finite, gelu, leaky-relu, unary-formula
// As unary, for a multiple of 4 elements: dims.count is the number of quads. One quad a thread.

struct Dims { count: u32, slope: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read_write> y: array<act4>;

fn slope() -> f32 { return dims.slope; }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  y[i] = stored4(unary4(vec4f(x[i])));
}
