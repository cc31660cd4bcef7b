// include: finite, gelu, leaky-relu, activation, depth-to-space, linear-epilogue, gemm-tile
// linear.wgsl where k, x's offset and its pitch are multiples of four: rows of x and W are read as vec4.

@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> weight: array<weight4>;

alias XRow = u32;
alias Strip = u32;

fn x_row(m: u32) -> XRow { return (dims.x_offset + m * dims.x_pitch) / 4u; }
fn strip_at(k: u32) -> Strip { return k; }
fn next_strip(strip: Strip) -> Strip { return strip + 1u; }
fn load_x(row: XRow, strip: Strip) -> vec4f { return vec4f(x[row + strip]); }
fn load_weight(n: u32, k: u32, strip: Strip) -> vec4f { return unpack_weight(weight[n * dims.strips + strip]); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_tile(group.y * groups.x + group.x, index);
}
