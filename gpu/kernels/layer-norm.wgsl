// include: row-reduce
// y = (v - mean(v)) / sqrt(var(v) + eps) * weight + bias + post, v = x + pre, over the c elements of each of m rows.
// Population variance in a second pass over the row: E[v²] - E[v]² loses everything where the mean is large.
// x, pre, post, y [m,c] act; weight, bias [c] f32. Of GROUP threads, row_width() share a row.
// Source: torch.nn.functional.layer_norm; any c (layer-norm-vec4 where c divides by 4).

struct Dims { m: u32, c: u32, eps: f32, lanes: u32, has_pre: u32, has_affine: u32, has_post: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> pre: array<act>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> post: array<act>;
@group(0) @binding(6) var<storage, read_write> y: array<act>;

fn load(at: u32) -> f32 {
  if (dims.has_pre != 0u) { return f32(x[at]) + f32(pre[at]); }
  return f32(x[at]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lanes = row_width();
  let lane = local % lanes;
  let wanted = (group.y * groups.x + group.x) * (GROUP / lanes) + local / lanes;
  let row = min(wanted, dims.m - 1u); // threads past the end stay for the barriers
  let start = row * dims.c;

  var sum = 0.0;
  for (var i = lane; i < dims.c; i += lanes) { sum += load(start + i); }
  let mean = row_sum(sum, local, lanes) / f32(dims.c);
  var squares = 0.0;
  for (var i = lane; i < dims.c; i += lanes) {
    let d = load(start + i) - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(row_sum(squares, local, lanes) / f32(dims.c) + dims.eps);

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.c; i += lanes) {
    var v = (load(start + i) - mean) * scale;
    if (dims.has_affine != 0u) { v = v * weight[i] + bias[i]; }
    if (dims.has_post != 0u) { v += f32(post[start + i]); }
    y[start + i] = act(v);
  }
}
