// include: attention-gradient, attention-gradient-load, attention-gradient-query
// With P = softmax over l of (scale q[n] . k[l]), dP[n,l] = dy[n] . v[l] and delta[n] = sum over l of P dP:
// dq[n] = scale sum over l of P (dP - delta) k[l], per head; keys with mask[b,l] = 0 left out, zeros where none is left.
// q, dy, dq [B,N,heads head_dim], k, v [B,L,heads head_dim]; also log sum exp and delta of every query. One workgroup of 64
// takes 8 ROWS queries of a head. Source: FlashAttention (arXiv:2205.14135), algorithm 4. Any head_dim.

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  query_gradient(group.y * groups.x + group.x, index);
}
