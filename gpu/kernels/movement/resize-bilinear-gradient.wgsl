// include: bilinear, bilinear-adjoint
// dx[b,i,j,c] = sum over targets (k,l) of wy[k,i] wx[l,j] dy[b,k,l,c], with the weights of resize-bilinear.wgsl. Each pixel
// of dx gathers from the targets that read it, in a fixed order; nothing is scattered. dy [B,oH,oW,C], dx [B,H,W,C].
// dims.channels and dims.count are in packets. ITEMS packets of dx a thread, GROUP apart.
// Source: the gradient of torch.nn.functional.interpolate, mode bilinear, align_corners=False.

struct Dims {
  count: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32,
  scale_y: f32, scale_x: f32, // H / oH, W / oW
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(2) var<storage, read_write> dx: array<ActPacket>;

fn gather(pixel: u32, channel: u32) -> Packet {
  let row = pixel / dims.width;
  let x = pixel - row * dims.width;
  let y = row % dims.height;
  let map = row / dims.height * dims.out_height;
  let rows = bilinear_reach(y, dims.scale_y, dims.height, dims.out_height);
  let columns = bilinear_reach(x, dims.scale_x, dims.width, dims.out_width);
  var sum = Packet();
  for (var k = rows.first; k < rows.end; k++) {
    let wy = bilinear_weight(bilinear_tap(k, dims.scale_y, dims.height), y);
    if (wy == 0.0) { continue; }
    for (var l = columns.first; l < columns.end; l++) {
      let weight = wy * bilinear_weight(bilinear_tap(l, dims.scale_x, dims.width), x);
      sum += weight * Packet(dy[((map + k) * dims.out_width + l) * dims.channels + channel]);
    }
  }
  return sum;
}

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    dx[i] = ActPacket(gather(i / dims.channels, i % dims.channels));
  }
}
