// For a run r of rows of x [m,c]: sums[r,0,c] = mean of the run's x[m,c], sums[r,1,c] = Σ (x[m,c] - that mean)². The mean
// first, then the squares around it, while the run is in the cache. One invocation a column and run; neighbours have
// neighbouring columns.

struct Dims { m: u32, c: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

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
  let first = run * dims.rows;
  let end = min(first + dims.rows, dims.m);
  var sum = 0.0;
  for (var m = first; m < end; m++) { sum += f32(x[m * dims.c + column]); }
  let mean = sum / f32(end - first);
  var squares = 0.0;
  for (var m = first; m < end; m++) {
    let d = f32(x[m * dims.c + column]) - mean;
    squares = fma(d, d, squares);
  }
  sums[2u * run * dims.c + column] = mean;
  sums[(2u * run + 1u) * dims.c + column] = squares;
}
