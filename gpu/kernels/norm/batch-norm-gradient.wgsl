// include: batch-norm-element
// dx of batch-norm with the batch's own statistics, one packet of channels a thread: with n = (x - mean) scale, g what the leaky ReLU
// passes on of dy, and dweight = Σ g n and dbias = Σ g over the m rows (batch-norm-gradient-columns.wgsl),
// dx = weight scale (g - (dbias + n dweight) / m). Source: torch.nn.functional.batch_norm's gradient.

@group(0) @binding(1) var<storage, read> x: array<Packet>;
@group(0) @binding(2) var<storage, read> weight: array<Packet>;
@group(0) @binding(3) var<storage, read> statistics: array<Packet>; // [2,c]: mean, variance
@group(0) @binding(4) var<storage, read> y: array<Packet>;
@group(0) @binding(5) var<storage, read> dy: array<Packet>;
@group(0) @binding(6) var<storage, read> dweight: array<Packet>;
@group(0) @binding(7) var<storage, read> dbias: array<Packet>;
@group(0) @binding(8) var<storage, read_write> dx: array<Packet>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  let c = i % dims.channels;
  let ch = channel(statistics[c], statistics[dims.channels + c]);
  let shared_part = fma(normal(x[i], ch), dweight[c], dbias[c]) / f32(dims.m);
  dx[i] = (before_leaky(y[i], dy[i]) - shared_part) * (weight[c] * ch.scale);
}
