// y[workgroup] = sum of x[i]² over the workgroup's share of `count` numbers. Thread t of the grid's T takes i = t, t + T, …:
// neighbours read neighbours, and the grid depends on count alone, so sums are rounded alike everywhere. A second kernel
// adds the workgroups' sums in order. Four accumulators: four loads in flight, and shorter chains of rounding.

struct Dims { count: u32, threads: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  var sums = vec4f();
  var i = group.x * 64u + local;
  let t = dims.threads;
  for (; i + 3u * t < dims.count; i += 4u * t) {
    let four = vec4f(x[i], x[i + t], x[i + 2u * t], x[i + 3u * t]);
    sums = fma(four, four, sums);
  }
  for (; i < dims.count; i += t) { sums.x = fma(x[i], x[i], sums.x); }
  partial[local] = (sums.x + sums.y) + (sums.z + sums.w);
  for (var step = 32u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (local < step) { partial[local] += partial[local + step]; }
  }
  if (local == 0u) { y[group.x] = partial[0]; }
}
