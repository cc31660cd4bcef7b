// include: finite, depthwise-row
// y[b,oy,ox,c] = sum over ky,kx of x[b, oy - kh/2 + ky, ox - kw/2 + kx, c] W[ky,kx,c] + bias[c], zero outside; and with
// `normalize` (y - mean) / sqrt(var + eps) over c, in two passes, and then norm_weight[c] y + norm_bias[c] if `affine`. x, y [B,H,W,C]; W [kh,kw,C], odd sides; any C.
// One packet is one channel; mapping of invocations in include/depthwise-row.wgsl. depthwise-vec4.wgsl: four channels.
// Source: torch.nn.functional.conv2d with groups = C; ConvNeXt (arXiv:2201.03545), block of figure 4.

@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> weight: array<weight1>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<act>;
@group(0) @binding(5) var<storage, read> norm_weight: array<f32>;
@group(0) @binding(6) var<storage, read> norm_bias: array<f32>;

alias Packet = f32;

fn load_x(i: u32) -> Packet { return f32(x[i]); }
fn load_weight(i: u32) -> Packet { return unpack_weight1(weight[weight1_index(i)], i); }
fn load_bias(i: u32) -> Packet { return bias[i]; }
fn store(i: u32, value: Packet) { out[i] = stored(value); }
fn scale_and_shift(i: u32, value: Packet) -> Packet { return fma(value, norm_weight[i], norm_bias[i]); }
fn total(value: Packet) -> f32 { return value; }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_runs(group.y * groups.x + group.x, index);
}
