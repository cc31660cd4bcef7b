// include: depth-to-space, gemm-tile
// dx[m,c] = sum over k of dy[m,k] W[k,c]; dy [m,k], W [k,n] row-major, dx [m,n]. Here k counts the layer's outputs and n its
// inputs: names are those of the tile, which contracts over k (include/gemm-tile.wgsl). dy is read in packets: of four where k
// is a multiple of four. With `shuffle`, row m is a pixel whose n numbers become a block of pixels: the input gradient of a
// convolution of patches. Source: torch.nn.functional.linear's gradient.

struct Dims { m: u32, n: u32, k: u32, strips: u32, width: u32, block: u32, order: u32 }

const ONE_LOAD = false; // for include/gemm-lanes.wgsl

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<ActPacket>;
@group(0) @binding(2) var<storage, read> weight: array<weight1>;
@group(0) @binding(3) var<storage, read_write> dx: array<act>;

alias XRow = u32;
alias Strip = u32;

fn x_row(m: u32) -> XRow {
  if (PACKET == 4u) { return m * dims.strips; }
  return m * dims.k;
}

fn strip_at(k: u32) -> Strip { return k; }
fn next_strip(strip: Strip) -> Strip { return strip + 1u; }

fn load_x(row: XRow, strip: Strip) -> vec4f {
  if (PACKET == 4u) { return wide(Packet(dy[row + strip])); }
  var value = vec4f();
  for (var k = 4u * strip; k < min(4u * strip + 4u, dims.k); k++) { value[k % 4u] = wide(Packet(dy[row + k])).x; }
  return value;
}

// Invocations that differ in n read neighbours.
fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f {
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let at = (4u * strip + i) * dims.n + n;
    if (PACKET == 4u || 4u * strip + i < dims.k) { value[i] = unpack_weight1(weight[weight1_index(at)], at); }
  }
  return value;
}

fn finish(m: u32, n: u32, sum: f32) {
  let place = depth_to_space(m, n, dims.width, dims.n, dims.block, dims.order);
  dx[place.pixel * (dims.n / (dims.block * dims.block)) + place.channel] = act(sum);
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_tile(group.y * groups.x + group.x, index);
}
