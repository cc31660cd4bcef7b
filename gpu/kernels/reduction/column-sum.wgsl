// y[c] = sum over m of x[m,c]. One invocation a column and run of rows; neighbours have neighbouring columns. With several
// runs, y is [runs,c] and waits to be added.

struct Dims { m: u32, c: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> y: array<act>;

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
  var sum = 0.0;
  let end = min((run + 1u) * dims.rows, dims.m);
  for (var m = run * dims.rows; m < end; m++) { sum += f32(x[m * dims.c + column]); }
  y[item] = act(sum);
}
