// From a row-major index to offsets in two strided arrays of up to six axes. Axes are numbered from the innermost; only
// the first `rank` count, so the override unrolls the loop. Needs: `dims` with n0..n5, s0..s5, t0..t5.

override rank: u32 = 6u;

struct Offsets { s: u32, t: u32 }

fn unravel(index: u32) -> Offsets {
  let n = array<u32, 6>(dims.n0, dims.n1, dims.n2, dims.n3, dims.n4, dims.n5);
  let s = array<u32, 6>(dims.s0, dims.s1, dims.s2, dims.s3, dims.s4, dims.s5);
  let t = array<u32, 6>(dims.t0, dims.t1, dims.t2, dims.t3, dims.t4, dims.t5);
  var rest = index;
  var at = Offsets(0u, 0u);
  for (var axis = 0u; axis + 1u < rank; axis++) {
    let outer = rest / n[axis];
    let i = rest - outer * n[axis];
    at.s += i * s[axis];
    at.t += i * t[axis];
    rest = outer;
  }
  at.s += rest * s[rank - 1u];
  at.t += rest * t[rank - 1u];
  return at;
}
