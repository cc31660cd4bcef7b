// include: depthwise-gradient-row
// dW[ky,kx,c] = sum over b,y,x of dy[b,y,x,c] X[b, y - kh/2 + ky, x - kw/2 + kx, c], X zero outside the map.
// dy, X [B,H,W,C], dW [kh,kw,C], odd sides. One packet of channels at a time; the mapping of invocations is in
// include/depthwise-gradient-row.wgsl. With several runs of lines, out is [runs,kh,kw,C] and waits to be added.
// Source: the gradient of torch.nn.functional.conv2d with groups = C.

@group(0) @binding(1) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(2) var<storage, read> x: array<ActPacket>;
@group(0) @binding(3) var<storage, read_write> out: array<ActPacket>;

fn load_dy(i: u32) -> Packet { return Packet(dy[i]); }
fn load_x(i: u32) -> Packet { return Packet(x[i]); }
fn store(i: u32, value: Packet) { out[i] = ActPacket(value); }

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  correlate((group.y * groups.x + group.x) * 64u + index);
}
