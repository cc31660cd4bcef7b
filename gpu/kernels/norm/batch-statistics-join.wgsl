// Statistics of the whole from those of its runs (batch-statistics.wgsl): statistics[0,c] = Σ_r n_r mean_r / m and
// statistics[1,c] = Σ_r (squares_r + n_r (mean_r - mean)²) / m, where n_r is `rows`, of the last run what is left.
// COLUMNS neighbouring columns a workgroup, SLICES threads each, joined in a fixed order.
// Source: Chan, Golub and LeVeque (1983), updating formulae for sample variances, (2.1).

struct Dims { m: u32, c: u32, rows: u32, runs: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> statistics: array<f32>;

var<workgroup> shares: array<f32, COLUMNS * SLICES>;

fn total(value: f32, id: vec3u) -> f32 {
  workgroupBarrier(); // the one before has been read
  shares[id.y * COLUMNS + id.x] = value;
  for (var step = SLICES / 2u; step > 0u; step /= 2u) {
    workgroupBarrier();
    if (id.y < step) {
      let mine = id.y * COLUMNS + id.x;
      shares[mine] += shares[mine + step * COLUMNS];
    }
  }
  workgroupBarrier();
  return shares[id.x];
}

fn length(run: u32) -> f32 { return f32(min(dims.rows, dims.m - run * dims.rows)); }

@compute @workgroup_size(COLUMNS, SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_id) id: vec3u) {
  let wanted = (group.y * groups.x + group.x) * COLUMNS + id.x;
  let column = min(wanted, dims.c - 1u); // threads past the end stay for the barriers
  var sum = 0.0;
  for (var r = id.y; r < dims.runs; r += SLICES) { sum = fma(length(r), sums[2u * r * dims.c + column], sum); }
  let mean = total(sum, id) / f32(dims.m);
  var squares = 0.0;
  for (var r = id.y; r < dims.runs; r += SLICES) {
    let d = sums[2u * r * dims.c + column] - mean;
    squares += fma(length(r) * d, d, sums[(2u * r + 1u) * dims.c + column]);
  }
  let variance = total(squares, id) / f32(dims.m);
  if (id.y > 0u || wanted >= dims.c) { return; }
  statistics[wanted] = mean;
  // An infinite variance would scale its channel to zeros, which nobody could tell from others: NaN stays NaN.
  let bits = bitcast<u32>(variance);
  statistics[dims.c + wanted] = select(variance, bitcast<f32>(bits | 0x7fc00000u), (bits & 0x7f800000u) == 0x7f800000u);
}
