// include: finite, row-reduce, layer-norm-row
// y = (v - mean(v)) / sqrt(var(v) + eps) * weight + bias + post, v = x + pre, over the c elements of each of m rows.
// Population variance in a second pass over the row: E[v²] - E[v]² loses everything where the mean is large.
// x, pre, post, y [m,c] act; weight, bias [c] f32; all in packets. Source: torch.nn.functional.layer_norm.

struct Dims {
  m: u32,
  packets: u32, // of a row
  eps: f32,
  count: f32, // elements of a row
  rounds: u32, // 3, which compilers do not know
  lanes: u32, // that share a row where threads are many
  has_pre: u32, has_affine: u32, has_post: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read> pre: array<ActPacket>;
@group(0) @binding(3) var<storage, read> weight: array<Packet>;
@group(0) @binding(4) var<storage, read> bias: array<Packet>;
@group(0) @binding(5) var<storage, read> post: array<ActPacket>;
@group(0) @binding(6) var<storage, read_write> y: array<ActPacket>;

fn load(at: u32) -> Packet {
  var v = Packet(x[at]);
  if (dims.has_pre != 0u) { v += Packet(pre[at]); }
  return v;
}

fn finish(at: u32, i: u32, value: Packet) {
  var v = value;
  if (dims.has_affine != 0u) { v = v * weight[i] + bias[i]; }
  if (dims.has_post != 0u) { v += Packet(post[at]); }
  y[at] = stored_packet(v);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  normalize_rows(group.y * groups.x + group.x, local);
}
