// include: finite, depthwise-row
// y[b,oy,ox,c] = sum over ky,kx of x[b, oy - kh/2 + ky, ox - kw/2 + kx, c] W[ky,kx,c] + bias[c], zero outside; and with
// `normalize` (y - mean) / sqrt(var + eps) over c, in two passes, and then norm_weight[c] y + norm_bias[c] if `affine`. x, y
// [B,H,W,C]; W [kh,kw,C], odd sides. Packets of channels; mapping of invocations in include/depthwise-row.wgsl.
// Source: torch.nn.functional.conv2d with groups = C; ConvNeXt (arXiv:2201.03545), block of figure 4.

@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read> weight: array<WeightPacket>;
@group(0) @binding(3) var<storage, read> bias: array<Packet>;
@group(0) @binding(4) var<storage, read_write> out: array<ActPacket>;
@group(0) @binding(5) var<storage, read> norm_weight: array<Packet>;
@group(0) @binding(6) var<storage, read> norm_bias: array<Packet>;

fn load_x(i: u32) -> Packet { return Packet(x[i]); }
fn load_weight(i: u32) -> Packet { return unpack_packet(weight[packet_index(i)], i); }
fn load_bias(i: u32) -> Packet { return bias[i]; }
fn store(i: u32, value: Packet) { out[i] = stored_packet(value); }
fn scale_and_shift(i: u32, value: Packet) -> Packet { return fma(value, norm_weight[i], norm_bias[i]); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_runs(group.y * groups.x + group.x, index);
}
