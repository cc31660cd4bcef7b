// include: finite, gelu, gelu-gradient
// dx[i] = dy[i] gelu'(x[i]), gelu'(x) = P(X <= x) + x density(x) for a standard normal X; ITEMS packets a thread,
// GROUP apart.

struct Dims { count: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<Packet>;
@group(0) @binding(2) var<storage, read> dy: array<Packet>;
@group(0) @binding(3) var<storage, read_write> dx: array<Packet>;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    dx[i] = dy[i] * narrow(gelu_gradient4(wide(x[i])));
  }
}
