// include: finite, gelu, leaky-relu, activation, depth-to-space, conv2d-epilogue, gemm-tile
// y[b,oy,ox,o] = activation(sum over ky,kx,c of X[b, oy s - p + ky, ox s - p + kx, c] W[o,ky,kx,c] + bias[o]) gate[b,oy,ox]
// X: x [B,H,W,C1] and x2 [B,H,W,C2] side by side in c, zero outside; W OHWI; any sizes. An implicit matrix product: rows
// m are output pixels, k = (ky kernel_width + kx) C + c; one workgroup of 64 a tile (include/gemm-tile.wgsl). In packets of four,
// C1 and C2 are multiples of four, so that a strip of k lies in one tap and one source. Patches (kernel = stride, no padding)
// come here as kernel_width 1 over pixels of kernel_width C channels. Source: torch.nn.functional.conv2d.

@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read> x2: array<ActPacket>;
@group(0) @binding(3) var<storage, read> weight: array<WeightPacket>;

alias Strip = Tap; // of its first packet

fn strip_at(k: u32) -> Strip { return tap_at(4u / PACKET * k); }

// Without divisions, which would cost a CPU's vectors more than the strip's products.
fn next_tap(tap: Tap) -> Tap {
  if (tap.c + 1u < dims.channels + dims.channels2) { return Tap(tap.y, tap.x, tap.c + 1u); }
  if (tap.x + 1u < dims.kernel_width) { return Tap(tap.y, tap.x + 1u, 0u); }
  return Tap(tap.y + 1u, 0u, 0u);
}

fn next_strip(strip: Strip) -> Strip {
  let next = next_tap(strip);
  if (PACKET == 4u) { return next; }
  return next_tap(next_tap(next_tap(next)));
}

fn packet_under(row: XRow, tap: Tap) -> Packet {
  let y = row.y + tap.y;
  let column = row.x + tap.x;
  if (y >= dims.height || column >= dims.width) { return Packet(); }
  let pixel = row.map + y * dims.width + column;
  if (tap.c < dims.channels) { return Packet(x[pixel * dims.channels + tap.c]); }
  return Packet(x2[pixel * dims.channels2 + tap.c - dims.channels]);
}

fn load_x(row: XRow, strip: Strip) -> vec4f {
  if (PACKET == 4u) { return wide(packet_under(row, strip)); }
  var value = vec4f();
  var tap = strip;
  for (var i = 0u; i < 4u; i++) {
    if (tap.y < dims.kernel_height) { value[i] = wide(packet_under(row, tap)).x; }
    tap = next_tap(tap);
  }
  return value;
}

fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f {
  if (PACKET == 4u) { return wide(weight_packet(n * dims.strips + k)); }
  var value = vec4f();
  for (var i = 4u * k; i < min(4u * k + 4u, dims.k); i++) { value[i % 4u] = wide(weight_packet(n * dims.k + i)).x; }
  return value;
}

fn weight_packet(at: u32) -> Packet { return unpack_packet(weight[packet_index(at)], at); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_tile(group.y * groups.x + group.x, index);
}
