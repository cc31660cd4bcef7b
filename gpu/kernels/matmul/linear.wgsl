// include: finite, gelu, leaky-relu, activation, depth-to-space, linear-epilogue, gemm-tile
// y[m,n] = activation(sum over k of x[m,k] W[n,k] + bias[n] + rows[m % period, n]) + residual[m,n]
// x [m,k] with a pitch, W [n,k] row-major. In packets of four, k, x's offset and its pitch are multiples of four. One workgroup
// of 64 a tile of 8 TILE_M x 8 TILE_N outputs (include/gemm-tile.wgsl); tiles along n first, so that neighbours share rows of x.
// Source: torch.nn.functional.linear. linear-skinny.wgsl is the same for few rows.

@group(0) @binding(1) var<storage, read> x: array<ActPacket>;
@group(0) @binding(2) var<storage, read> weight: array<WeightPacket>;

alias XRow = u32;
alias Strip = u32;

fn x_row(m: u32) -> XRow { return (dims.x_offset + m * dims.x_pitch) / PACKET; }
fn strip_at(k: u32) -> Strip { return k; }
fn next_strip(strip: Strip) -> Strip { return strip + 1u; }

fn load_x(row: XRow, strip: Strip) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(x[row + strip])); }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let k = 4u * strip + i;
    if (k < dims.k) { value[i] = wide(Packet(x[row + k])).x; }
  }
  return value;
}

fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f {
  if (PACKET == 4u) { return wide(weight_packet(n * dims.strips + strip)); }
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let k = 4u * strip + i;
    if (k < dims.k) { value[i] = wide(weight_packet(n * dims.k + k)).x; }
  }
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
