// Exact GELU, x P(X <= x) for a standard normal X, as max(x, 0) - |x| upper_tail(|x|): the tail form has no cancellation
// for negative x. upper_tail(a) = erfc(a / sqrt(2)) / 2 with the erfc of Abramowitz & Stegun 7.1.26 (abs error 1.5e-7).
// In f32 the GELU's absolute error stays under 5e-7. Beyond |x| = 12 the tail is under 1e-31; the clamp keeps a * a finite.

fn upper_tail4(a: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.23164189 * a);
  let p = t * (0.12741479 + t * (-0.14224837 + t * (0.71070687 + t * (-0.72657601 + t * 0.53070271))));
  return p * exp(-0.5 * a * a);
}

fn gelu4(x: vec4f) -> vec4f {
  let a = min(abs(x), vec4f(12.0));
  return max(x, vec4f()) - a * upper_tail4(a);
}

fn gelu(x: f32) -> f32 { return gelu4(vec4f(x)).x; }
