// include: finite, gelu, leaky-relu, activation, depth-to-space, conv2d-epilogue, gemm-tile
// conv2d.wgsl where C1 and C2 are multiples of four: a strip of k lies in one tap and one source, and is one vec4.
// Patches (kernel = stride, no padding) come here too, as kernel_width 1 over pixels of kernel_width C channels.

@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> x2: array<act4>;
@group(0) @binding(3) var<storage, read> weight: array<weight4>;

alias Strip = Tap;

fn strip_at(k: u32) -> Strip { return tap_at(k); }

// Without divisions, which would cost a CPU's vectors more than the strip's products.
fn next_strip(tap: Strip) -> Strip {
  if (tap.c + 1u < dims.channels + dims.channels2) { return Tap(tap.y, tap.x, tap.c + 1u); }
  if (tap.x + 1u < dims.kernel_width) { return Tap(tap.y, tap.x + 1u, 0u); }
  return Tap(tap.y + 1u, 0u, 0u);
}

fn load_x(row: XRow, tap: Strip) -> vec4f {
  let y = row.y + tap.y;
  let column = row.x + tap.x;
  if (y >= dims.height || column >= dims.width) { return vec4f(); }
  let pixel = row.map + y * dims.width + column;
  if (tap.c < dims.channels) { return vec4f(x[pixel * dims.channels + tap.c]); }
  return vec4f(x2[pixel * dims.channels2 + tap.c - dims.channels]);
}

fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f { return unpack_weight(weight[n * dims.strips + k]); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_tile(group.y * groups.x + group.x, index);
}
