// include: row-reduce
// dx = (dy - x <x,dy> / |x|²) / |x| for each of m rows, dy / eps where |x| <= eps: the gradient of x / max(|x|, eps). x, dy,
// dx [m,n]. LANES threads a row, ROWS rows a workgroup. Source: torch.nn.functional.normalize's gradient.

struct Dims { m: u32, n: u32, eps: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let wanted = (group.y * groups.x + group.x) * ROWS + local / LANES;
  let start = min(wanted, dims.m - 1u) * dims.n; // threads past the end stay for the barriers

  var squares = 0.0;
  var products = 0.0;
  for (var i = lane; i < dims.n; i += LANES) {
    let v = x[start + i];
    squares += v * v;
    products += v * dy[start + i];
  }
  let norm = sqrt(row_sum(squares, local, LANES));
  let dot = row_sum(products, local, LANES);
  // Divided twice: the square of a short row's norm is no number.
  var along = 0.0;
  if (norm > dims.eps) { along = dot / norm / norm; }
  let scale = max(norm, dims.eps);

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.n; i += LANES) { dx[start + i] = (dy[start + i] - x[start + i] * along) / scale; }
}
