// include: depthwise-gradient-row
// dW[ky,kx,c] = sum over b,y,x of dy[b,y,x,c] X[b, y - kh/2 + ky, x - kw/2 + kx, c], X zero outside the map.
// dy, X [B,H,W,C], dW [kh,kw,C], odd sides; any C. One packet is one channel; the mapping of invocations is in
// include/depthwise-gradient-row.wgsl. With several runs of lines, out is [runs,kh,kw,C] and waits to be added.
// Source: the gradient of torch.nn.functional.conv2d with groups = C. depthwise-weight-gradient-vec4.wgsl: four channels.

@group(0) @binding(1) var<storage, read> dy: array<act>;
@group(0) @binding(2) var<storage, read> x: array<act>;
@group(0) @binding(3) var<storage, read_write> out: array<act>;

alias Packet = f32;

fn load_dy(i: u32) -> Packet { return f32(dy[i]); }
fn load_x(i: u32) -> Packet { return f32(x[i]); }
fn store(i: u32, value: Packet) { out[i] = act(value); }

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  correlate((group.y * groups.x + group.x) * 64u + index);
}
