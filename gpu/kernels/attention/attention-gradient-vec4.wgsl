// include: attention-gradient-tile, attention-gradient-load-vec4, attention-gradient-sides, attention-gradient-sums
// attention-gradient.wgsl where head_dim and the output's offset and pitch are multiples of four.

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_sums(group.y * groups.x + group.x, index);
}
