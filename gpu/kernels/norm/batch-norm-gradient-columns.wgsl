// include: batch-norm-element
// For a run r of rows: sums[r,0,c] = Σ g[m,c] n[m,c] and sums[r,1,c] = Σ g[m,c] over its rows m, with n = (x - mean) scale and
// g what the leaky ReLU behind the norm passes on of dy. One invocation a column and run; neighbours have neighbouring columns.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> statistics: array<f32>; // [2,c]: mean, variance
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  let run = item / dims.channels;
  if (run >= dims.runs) { return; }
  let column = item % dims.channels;
  let ch = channel(statistics[column], statistics[dims.channels + column]);
  var weight = 0.0;
  var bias = 0.0;
  let end = min((run + 1u) * dims.rows, dims.m);
  for (var m = run * dims.rows; m < end; m++) {
    let at = m * dims.channels + column;
    let g = before_leaky(y[at], dy[at]);
    weight = fma(g, normal(x[at], ch), weight);
    bias += g;
  }
  sums[2u * run * dims.channels + column] = weight;
  sums[(2u * run + 1u) * dims.channels + column] = bias;
}
