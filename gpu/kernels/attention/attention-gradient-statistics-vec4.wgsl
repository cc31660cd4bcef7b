// include: attention-gradient-tile, attention-gradient-load-vec4, attention-gradient-statistics
// attention-gradient-statistics.wgsl where head_dim is a multiple of four.

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_statistics(group.y * groups.x + group.x, index);
}
