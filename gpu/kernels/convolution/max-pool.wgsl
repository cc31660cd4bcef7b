// include: finite
// y[b,i,j,c] = max over the window of x[b, i stride - padding + k, j stride - padding + l, c], k, l < size, within the map.
// x [B,H,W,C], y [B,oH,oW,C] act; channels and count in packets. ITEMS packets of y a thread, GROUP apart.
// Source: torch.nn.functional.max_pool2d.

struct Dims {
  count: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32,
  size: u32, stride: u32, padding: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read_write> y: array<ActPacket>;

fn kept(y: Packet, x: Packet) -> Packet { return narrow(keep4(wide(y), wide(x))); }

// Every window begins with a pixel of the map: rows and columns before it are left out by the first bounds.
fn largest(row: u32, column: u32, map: u32, channel: u32) -> Packet {
  let top = row * dims.stride;
  let left = column * dims.stride;
  let first_y = max(top, dims.padding) - dims.padding;
  let first_x = max(left, dims.padding) - dims.padding;
  let end_y = min(top + dims.size - dims.padding, dims.height);
  let end_x = min(left + dims.size - dims.padding, dims.width);
  var best = Packet(x[((map + first_y) * dims.width + first_x) * dims.channels + channel]);
  for (var i = first_y; i < end_y; i++) {
    for (var j = first_x; j < end_x; j++) {
      let value = Packet(x[((map + i) * dims.width + j) * dims.channels + channel]);
      best = kept(kept(select(value, best, best >= value), value), best);
    }
  }
  return best;
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    let pixel = i / dims.channels;
    let row = pixel / dims.out_width;
    let batch = row / dims.out_height;
    y[i] = ActPacket(largest(row - batch * dims.out_height, pixel - row * dims.out_width,
                             batch * dims.height, i - pixel * dims.channels));
  }
}
