// From a row-major index to offsets in two strided arrays of up to six axes. Axes are numbered from the innermost; only
// the first `rank` count, and as an override it leaves their divisions alone in the pipeline. Arrays of axes indexed in a
// loop would live in slow memory. Needs: `dims` with n0..n5, s0..s5, t0..t5.

override rank: u32 = 6u;

struct Walk { rest: u32, s: u32, t: u32 }

fn along(walk: Walk, axis: u32, n: u32, s: u32, t: u32) -> Walk {
  if (axis >= rank) { return walk; }
  var outer = 0u; // the outermost axis takes all that is left
  if (axis + 1u < rank) { outer = walk.rest / n; }
  let i = walk.rest - outer * n;
  return Walk(outer, walk.s + i * s, walk.t + i * t);
}

fn unravel(index: u32) -> Walk {
  var walk = Walk(index, 0u, 0u);
  walk = along(walk, 0u, dims.n0, dims.s0, dims.t0);
  walk = along(walk, 1u, dims.n1, dims.s1, dims.t1);
  walk = along(walk, 2u, dims.n2, dims.s2, dims.t2);
  walk = along(walk, 3u, dims.n3, dims.s3, dims.t3);
  walk = along(walk, 4u, dims.n4, dims.s4, dims.t4);
  return along(walk, 5u, dims.n5, dims.s5, dims.t5);
}
