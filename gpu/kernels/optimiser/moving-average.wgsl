// a[i] = a[i] + rate (x[i] - a[i]) for `count` numbers, in place: an exponential moving average with decay 1 - rate. Written
// as a difference, so that what stands still stays as it is, bit for bit. `count` is in packets.
// ITEMS packets a thread, GROUP apart.

struct Dims { count: u32, rate: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<Packet>;
@group(0) @binding(2) var<storage, read_write> average: array<Packet>;

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
    average[i] += dims.rate * (x[i] - average[i]);
  }
}
