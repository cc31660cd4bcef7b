// include: row-reduce
// As layer-norm, for c a multiple of 4: all loads are quads, and dims.quads = c / 4.
// x, pre, post, y [m,c] act; weight, bias [c] f32. Of GROUP threads, row_width() share a row.

struct Dims { m: u32, quads: u32, eps: f32, lanes: u32, has_pre: u32, has_affine: u32, has_post: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> pre: array<act4>;
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias: array<vec4f>;
@group(0) @binding(5) var<storage, read> post: array<act4>;
@group(0) @binding(6) var<storage, read_write> y: array<act4>;

fn load(at: u32) -> vec4f {
  if (dims.has_pre != 0u) { return vec4f(x[at]) + vec4f(pre[at]); }
  return vec4f(x[at]);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let lanes = row_width();
  let lane = local % lanes;
  let wanted = (group.y * groups.x + group.x) * (GROUP / lanes) + local / lanes;
  let row = min(wanted, dims.m - 1u); // threads past the end stay for the barriers
  let start = row * dims.quads;
  let count = f32(4u * dims.quads);

  var sum = vec4f();
  for (var i = lane; i < dims.quads; i += lanes) { sum += load(start + i); }
  let mean = row_sum(dot(sum, vec4f(1.0)), local, lanes) / count;
  var squares = vec4f();
  for (var i = lane; i < dims.quads; i += lanes) {
    let d = load(start + i) - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(row_sum(dot(squares, vec4f(1.0)), local, lanes) / count + dims.eps);

  if (wanted >= dims.m) { return; }
  for (var i = lane; i < dims.quads; i += lanes) {
    var v = (load(start + i) - mean) * scale;
    if (dims.has_affine != 0u) { v = v * weight[i] + bias[i]; }
    if (dims.has_post != 0u) { v += vec4f(post[start + i]); }
    y[start + i] = act4(v);
  }
}
