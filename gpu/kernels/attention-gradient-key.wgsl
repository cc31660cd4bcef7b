// include: attention-gradient, attention-gradient-load, attention-gradient-key
// With P, dP and delta of attention-gradient-query.wgsl, recomputed from its statistics:
// dk[l] = scale sum over n of P (dP - delta) q[n], or with of_values dv[l] = sum over n of P dy[n], per head; zero for keys
// with mask[b,l] = 0. One workgroup of 64 takes 8 ROWS keys of a head through all queries, so that each sum has one owner
// and one order. Source: FlashAttention (arXiv:2205.14135), algorithm 4. Any head_dim.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  key_gradient(group.y * groups.x + group.x, index);
}
