// include: attention-gradient-tile, attention-gradient-load, attention-gradient-sides, attention-gradient-sums
// With P[n,l], recomputed from attention-gradient-statistics, dP[n,l] = dy[n] . v[l] and delta[n], per head:
// dq[n] = scale sum over l of P (dP - delta) k[l],  dk[l] = scale sum over n of P (dP - delta) q[n],
// dv[l] = sum over n of P dy[n]; P is zero for keys with mask[b,l] = 0. q, dy, dq [B,N,heads head_dim], k, v, dk, dv
// [B,L,heads head_dim]. One workgroup of 64 takes 8 ROWS tokens of a head through all of the other side, so that each sum
// has one owner and one order. Source: FlashAttention (arXiv:2205.14135), algorithm 4.

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  compute_sums(group.y * groups.x + group.x, index);
}
