// include: row-reduce
// Two norms in a row: y = norm(x + pre, eps) * weight + bias + post, then n = norm(y, eps2) without weights; y as it is
// stored. The residual of a decoder block and the norm of its next half. c a multiple of 4, dims.quads = c / 4.
// x, pre, post, y, n [m,c] act; weight, bias [c] f32. LANES threads a row, ROWS rows a workgroup.

struct Dims { m: u32, quads: u32, eps: f32, eps2: f32 }

override has_pre: bool = false;
override has_affine: bool = false;
override has_post: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> pre: array<act4>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> post: array<act4>;
@group(0) @binding(6) var<storage, read_write> y: array<act4>;
@group(0) @binding(7) var<storage, read_write> n: array<act4>;

fn load(at: u32) -> vec4f {
  if (has_pre) { return vec4f(x[at]) + vec4f(pre[at]); }
  return vec4f(x[at]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let wanted = (group.y * groups.x + group.x) * ROWS + local / LANES;
  let live = wanted < dims.m;
  let start = min(wanted, dims.m - 1u) * dims.quads; // threads past the end stay for the barriers
  let count = f32(4u * dims.quads);

  var sum = vec4f();
  for (var i = lane; i < dims.quads; i += LANES) { sum += load(start + i); }
  let mean = row_sum(dot(sum, vec4f(1.0)), local, LANES) / count;
  var squares = vec4f();
  for (var i = lane; i < dims.quads; i += LANES) {
    let d = load(start + i) - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(row_sum(dot(squares, vec4f(1.0)), local, LANES) / count + dims.eps);

  var sum2 = vec4f();
  for (var i = lane; i < dims.quads; i += LANES) {
    var v = (load(start + i) - mean) * scale;
    if (has_affine) { v = v * weight[i] + bias[i]; }
    if (has_post) { v += vec4f(post[start + i]); }
    let stored = act4(v);
    if (live) { y[start + i] = stored; }
    sum2 += vec4f(stored);
  }
  // Each thread reads back only what it wrote itself, so no barrier is needed between.
  let mean2 = row_sum(dot(sum2, vec4f(1.0)), local, LANES) / count;
  var squares2 = vec4f();
  for (var i = lane; live && i < dims.quads; i += LANES) {
    let d = vec4f(y[start + i]) - mean2;
    squares2 += d * d;
  }
  let scale2 = inverseSqrt(row_sum(dot(squares2, vec4f(1.0)), local, LANES) / count + dims.eps2);
  for (var i = lane; live && i < dims.quads; i += LANES) {
    n[start + i] = act4((vec4f(y[start + i]) - mean2) * scale2);
  }
}
