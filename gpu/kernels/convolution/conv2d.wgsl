// include: finite, gelu, leaky-relu, activation, depth-to-space, conv2d-epilogue, gemm-tile
// y[b,oy,ox,o] = activation(sum over ky,kx,c of X[b, oy s - p + ky, ox s - p + kx, c] W[o,ky,kx,c] + bias[o]) gate[b,oy,ox]
// X: x [B,H,W,C1] and x2 [B,H,W,C2] side by side in c, zero outside; W OHWI; any sizes. An implicit matrix product: rows
// m are output pixels, k = (ky kernel_width + kx) C + c; one workgroup of 64 a tile (include/gemm-tile.wgsl).
// Source: torch.nn.functional.conv2d. conv2d-vec4.wgsl is the same with vector loads.

@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> x2: array<act>;
@group(0) @binding(3) var<storage, read> weight: array<weight1>;

struct Strip { k: u32, taps: array<Tap, 4> }

fn strip_at(k: u32) -> Strip {
  let first = 4u * k;
  return Strip(first, array(tap_at(first), tap_at(first + 1u), tap_at(first + 2u), tap_at(first + 3u)));
}

fn next_strip(strip: Strip) -> Strip { return strip_at(strip.k / 4u + 1u); }

fn load_x(row: XRow, strip: Strip) -> vec4f {
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let tap = strip.taps[i];
    let y = row.y + tap.y;
    let column = row.x + tap.x;
    if (strip.k + i >= dims.k || y >= dims.height || column >= dims.width) { continue; }
    let pixel = row.map + y * dims.width + column;
    if (tap.c < dims.channels) {
      value[i] = f32(x[pixel * dims.channels + tap.c]);
    } else {
      value[i] = f32(x2[pixel * dims.channels2 + tap.c - dims.channels]);
    }
  }
  return value;
}

fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f {
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let at = n * dims.k + strip.k + i;
    if (strip.k + i < dims.k) { value[i] = unpack_weight1(weight[weight1_index(at)], at); }
  }
  return value;
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_tile(group.y * groups.x + group.x, index);
}
