// dx[b,i,j,c] = sum over the windows in which x[b,i,j,c] is the largest number, and the first of those that are equal, of
// their dy. A thread asks each window that holds its pixel, in a fixed order; nothing is scattered. x, dx [B,H,W,C],
// dy [B,oH,oW,C] f32; channels and count in packets. ITEMS packets of dx a thread, GROUP apart.
// Source: the gradient of torch.nn.functional.max_pool2d.

struct Dims {
  count: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32,
  size: u32, stride: u32, padding: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<Packet>;
@group(0) @binding(2) var<storage, read> dy: array<Packet>;
@group(0) @binding(3) var<storage, read_write> dx: array<Packet>;

// 1 where the pixel (row, column) of the map has the largest number of window (i, j).
fn wins(i: u32, j: u32, row: u32, column: u32, map: u32, channel: u32) -> Packet {
  let own = x[((map + row) * dims.width + column) * dims.channels + channel];
  let top = i * dims.stride;
  let left = j * dims.stride;
  var won = Packet(1.0);
  for (var y = max(top, dims.padding) - dims.padding; y < min(top + dims.size - dims.padding, dims.height); y++) {
    for (var k = max(left, dims.padding) - dims.padding; k < min(left + dims.size - dims.padding, dims.width); k++) {
      let value = x[((map + y) * dims.width + k) * dims.channels + channel];
      let earlier = y < row || (y == row && k < column);
      won = select(won, Packet(), value > own);
      if (earlier) { won = select(won, Packet(), value == own); }
    }
  }
  return won;
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let at = first + item * GROUP;
    if (at >= dims.count) { return; }
    let pixel = at / dims.channels;
    let channel = at - pixel * dims.channels;
    let line = pixel / dims.width;
    let column = pixel - line * dims.width;
    let batch = line / dims.height;
    let row = line - batch * dims.height;
    // Windows that hold the pixel: the first begins at most size - 1 before it, the last on it.
    let first_i = (max(row + dims.padding + dims.stride, dims.size) - dims.size) / dims.stride;
    let first_j = (max(column + dims.padding + dims.stride, dims.size) - dims.size) / dims.stride;
    let end_i = min((row + dims.padding) / dims.stride + 1u, dims.out_height);
    let end_j = min((column + dims.padding) / dims.stride + 1u, dims.out_width);
    var sum = Packet();
    for (var i = first_i; i < end_i; i++) {
      for (var j = first_j; j < end_j; j++) {
        let given = dy[((batch * dims.out_height + i) * dims.out_width + j) * dims.channels + channel];
        sum += wins(i, j, row, column, batch * dims.height, channel) * given;
      }
    }
    dx[at] = sum;
  }
}
