// include: gelu, leaky-relu, unary-formula
// y[i] = f(x[i]) for `count` elements of act; f by the override `kind`. One element a thread.

struct Dims { count: u32, slope: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> y: array<act>;

fn slope() -> f32 { return dims.slope; }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  y[i] = act(unary4(vec4f(f32(x[i]))).x);
}
