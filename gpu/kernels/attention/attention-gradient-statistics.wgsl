// include: attention-gradient-tile, attention-gradient-load, attention-gradient-statistics
// For every query and head, with s[l] = scale q . k[l] over the keys l with mask[b,l] != 0 and P = softmax(s):
// log of sum over l of exp(s[l]), from which P is had again, and delta = sum over l of P[l] dy . v[l]. q, dy [B,N,heads
// head_dim], k, v [B,L,heads head_dim]. One workgroup of 64 takes 8 ROWS queries of a head through all keys.
// Source: FlashAttention (arXiv:2205.14135), algorithms 1 and 4 (L and D).

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_statistics(group.y * groups.x + group.x, index);
}
