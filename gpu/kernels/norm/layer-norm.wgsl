// include: finite, row-reduce, layer-norm-row
// y = (v - mean(v)) / sqrt(var(v) + eps) * weight + bias + post, v = x + pre, over the c elements of each of m rows.
// Population variance in a second pass over the row: E[v²] - E[v]² loses everything where the mean is large.
// x, pre, post, y [m,c] act; weight, bias [c] f32; dims.units = c.
// Source: torch.nn.functional.layer_norm; any c (layer-norm-vec4 where c divides by 4).

@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> pre: array<act>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> post: array<act>;
@group(0) @binding(6) var<storage, read_write> y: array<act>;

alias Packet = f32;

fn total(value: Packet) -> f32 { return value; }

fn load(at: u32) -> Packet {
  var v = f32(x[at]);
  if (dims.has_pre != 0u) { v += f32(pre[at]); }
  return v;
}

fn finish(at: u32, i: u32, value: Packet) {
  var v = value;
  if (dims.has_affine != 0u) { v = v * weight[i] + bias[i]; }
  if (dims.has_post != 0u) { v += f32(post[at]); }
  y[at] = stored(v);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  normalize_rows(group.y * groups.x + group.x, local);
}
