// include: finite, row-reduce
// y = x / max(|x|, eps) over the n elements of each of m rows. x, y [m,n] act. LANES threads a row, ROWS rows a workgroup.
// Source: torch.nn.functional.normalize.

struct Dims { m: u32, n: u32, eps: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> y: array<act>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let wanted = (group.y * groups.x + group.x) * ROWS + local / LANES;
  let start = min(wanted, dims.m - 1u) * dims.n; // threads past the end stay for the barriers

  var squares = 0.0;
  for (var i = lane; i < dims.n; i += LANES) {
    let v = f32(x[start + i]);
    squares += v * v;
  }
  squares = row_sum(squares, local, LANES);
  let norm = max(sqrt(squares), dims.eps);

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.n; i += LANES) { y[start + i] = stored(keep(f32(x[start + i]) / norm, squares)); }
}
