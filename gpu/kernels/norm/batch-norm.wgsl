// include: batch-norm-element
// y = leaky((x - mean) / sqrt(variance + eps) weight + bias) with a channel's statistics; x, y [m,c] act, weight, bias [c], one
// packet of channels a thread. Source: torch.nn.BatchNorm2d, leaky_relu.

@group(0) @binding(1) var<storage, read> x: array<Packet>;
@group(0) @binding(2) var<storage, read> weight: array<Packet>;
@group(0) @binding(3) var<storage, read> bias: array<Packet>;
@group(0) @binding(4) var<storage, read> statistics: array<Packet>; // [2,c]: mean, variance
@group(0) @binding(5) var<storage, read_write> y: array<Packet>;

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
  y[i] = leaky(fma(normal(x[i], ch), weight[c], bias[c]));
}
