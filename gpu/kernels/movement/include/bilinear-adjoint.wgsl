// The transpose of bilinear sampling along one axis: which targets read source position i, and with what weight. Needs
// `bilinear`, so that both directions round alike.

struct Reach { first: u32, end: u32 }

// Targets whose taps may include i: those at a distance under 1 on the source, and one more to either side, since this
// quotient and bilinear_tap's product are rounded differently. The ends also serve what lies beyond them.
fn bilinear_reach(i: u32, scale: f32, length: u32, out_length: u32) -> Reach {
  var first = 0u;
  if (i > 0u) { first = u32(max((f32(i) - 0.5) / scale - 1.5, 0.0)); }
  var end = out_length;
  if (i + 1u < length) { end = min(u32((f32(i) + 1.5) / scale + 1.5), out_length); }
  return Reach(first, end);
}

// At an edge both taps may be i.
fn bilinear_weight(tap: BilinearTap, i: u32) -> f32 {
  return select(0.0, 1.0 - tap.part, tap.low == i) + select(0.0, tap.part, tap.high == i);
}
