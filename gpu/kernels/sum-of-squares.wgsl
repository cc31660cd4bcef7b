// y[workgroup] = sum of x[i]² over the workgroup's share of `count` numbers. Thread t of the grid's T takes i = t, t + T, …:
// neighbours read neighbours, and the grid depends on count alone, so sums are rounded alike everywhere. A second kernel
// adds the workgroups' sums in order. Four accumulators: four loads in flight, and shorter chains of rounding.

struct Dims { count: u32, threads: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, 64>;

fn load(i: u32) -> f32 {
  if (i >= dims.count) { return 0.0; }
  return x[i];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  var sums = vec4f();
  let rounds = (dims.count + 4u * dims.threads - 1u) / (4u * dims.threads);
  var i = group.x * 64u + local;
  for (var round = 0u; round < rounds; round++) {
    let four = vec4f(load(i), load(i + dims.threads), load(i + 2u * dims.threads), load(i + 3u * dims.threads));
    sums = fma(four, four, sums);
    i += 4u * dims.threads;
  }
  partial[local] = (sums.x + sums.y) + (sums.z + sums.w);
  for (var step = 32u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (local < step) { partial[local] += partial[local + step]; }
  }
  if (local == 0u) { y[group.x] = partial[0]; }
}
