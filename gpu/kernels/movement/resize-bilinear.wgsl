// include: bilinear
// y[b,i,j,c] = bilinear sample of x at ((i + 1/2) H / oH - 1/2, (j + 1/2) W / oW - 1/2), clamped to the map.
// x [B,H,W,C], y [B,oH,oW,C] act; dims.channels and dims.count in packets. ITEMS packets a thread, GROUP apart.
// Source: torch.nn.functional.interpolate, mode bilinear, align_corners=False, no antialiasing.

struct Dims {
  count: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32,
  scale_y: f32, scale_x: f32, // H / oH, W / oW
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read_write> y: array<ActPacket>;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    let pixel = i / dims.channels;
    let channel = i - pixel * dims.channels;
    let row = pixel / dims.out_width;
    let batch = row / dims.out_height;
    let at_y = bilinear_tap(row - batch * dims.out_height, dims.scale_y, dims.height);
    let at_x = bilinear_tap(pixel - row * dims.out_width, dims.scale_x, dims.width);
    let low = (batch * dims.height + at_y.low) * dims.width;
    let high = (batch * dims.height + at_y.high) * dims.width;
    let top = mix(Packet(x[(low + at_x.low) * dims.channels + channel]),
                  Packet(x[(low + at_x.high) * dims.channels + channel]), at_x.part);
    let bottom = mix(Packet(x[(high + at_x.low) * dims.channels + channel]),
                     Packet(x[(high + at_x.high) * dims.channels + channel]), at_x.part);
    y[i] = stored_packet(mix(top, bottom, at_y.part));
  }
}
