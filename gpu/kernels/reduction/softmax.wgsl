// include: finite, row-reduce
// y = exp(x - max) / Σ exp(x - max) over the n elements of each of m rows, or its logarithm x - max - log Σ exp(x - max).
// x, y [m,n] act. LANES threads a row, ROWS rows a workgroup; the row is read three times, from the cache after the first.
// Source: torch.softmax, torch.log_softmax.

struct Dims { m: u32, n: u32 }

override is_log: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> y: array<act>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let wanted = (group.y * groups.x + group.x) * ROWS + local / LANES;
  let start = min(wanted, dims.m - 1u) * dims.n; // threads past the end stay for the barriers

  var greatest = f32(x[start]);
  for (var i = lane; i < dims.n; i += LANES) { greatest = max(greatest, f32(x[start + i])); }
  greatest = row_max(greatest, local, LANES);
  var sum = 0.0;
  for (var i = lane; i < dims.n; i += LANES) { sum += shifted_exp(f32(x[start + i]), greatest); }
  sum = row_sum(sum, local, LANES);

  if (wanted >= dims.m) { return; }
  let log_sum = log(sum);
  for (var i = lane; i < dims.n; i += LANES) {
    let d = f32(x[start + i]) - greatest;
    var value = exp(d) / sum;
    if (is_log) { value = d - log_sum; }
    y[start + i] = stored(keep(value, sum));
  }
}
