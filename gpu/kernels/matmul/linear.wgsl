// include: finite, gelu, leaky-relu, activation, depth-to-space, linear-epilogue, gemm-tile
// y[m,n] = activation(sum over k of x[m,k] W[n,k] + bias[n] + rows[m % period, n]) + residual[m,n]
// x [m,k] with a pitch, W [n,k] row-major; any sizes. One workgroup of 64 a tile of 8 TILE_M x 8 TILE_N outputs
// (include/gemm-tile.wgsl); tiles along n first, so that neighbours share rows of x.
// Source: torch.nn.functional.linear. linear-vec4.wgsl and linear-skinny.wgsl are the same with vector loads.

@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> weight: array<weight1>;

alias XRow = u32;
alias Strip = u32;

fn x_row(m: u32) -> XRow { return dims.x_offset + m * dims.x_pitch; }
fn strip_at(k: u32) -> Strip { return k; }
fn next_strip(strip: Strip) -> Strip { return strip + 1u; }

fn load_x(row: XRow, strip: Strip) -> vec4f {
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let k = 4u * strip + i;
    if (k < dims.k) { value[i] = f32(x[row + k]); }
  }
  return value;
}

fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f {
  var value = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let k = 4u * strip + i;
    let at = n * dims.k + k;
    if (k < dims.k) { value[i] = unpack_weight1(weight[weight1_index(at)], at); }
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
