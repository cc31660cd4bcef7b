// p[i] = 1 / (1 + exp(-x[i])), x act, p f32, `count` elements. ITEMS elements a thread, GROUP apart.

struct Dims { count: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    let v = f32(x[i]);
    let e = exp(-abs(v)); // of a negative number: no overflow
    p[i] = select(e, 1.0, v >= 0.0) / (1.0 + e);
  }
}
