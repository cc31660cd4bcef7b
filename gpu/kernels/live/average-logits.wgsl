// include: finite
// average[i] += share (x[i] - average[i]) for `count` logits x, act: their exponential average over time, f32. A share of 1 takes x as
// it is. So does an average that is not finite: the frame that made it so has been refused, and must not spoil those after it.
// ITEMS elements a thread, GROUP apart.

struct Dims { count: u32, share: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> average: array<f32>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    let now = f32(x[i]);
    let before = average[i];
    let mixed = before + dims.share * (now - before);
    average[i] = select(mixed, now, dims.share >= 1.0 || (bitcast<u32>(before) & EXPONENT) == EXPONENT);
  }
}
