// For a run r of rows: sums[r,0,c] = sum over m of dy[m,c] n[m,c] and sums[r,1,c] = sum over m of dy[m,c], with
// n = (x - mean) scale and the statistics that layer-norm-gradient left. One invocation a column and run; neighbours have
// neighbouring columns.

struct Dims { m: u32, c: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> dy: array<act>;
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>; // [m]: mean, scale
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  let run = item / dims.c;
  if (run >= dims.runs) { return; }
  let column = item % dims.c;
  var weight = 0.0;
  var bias = 0.0;
  let end = min((run + 1u) * dims.rows, dims.m);
  for (var m = run * dims.rows; m < end; m++) {
    let g = f32(dy[m * dims.c + column]);
    let row = statistics[m];
    weight = fma(g, (f32(x[m * dims.c + column]) - row.x) * row.y, weight);
    bias += g;
  }
  sums[2u * run * dims.c + column] = weight;
  sums[(2u * run + 1u) * dims.c + column] = bias;
}
