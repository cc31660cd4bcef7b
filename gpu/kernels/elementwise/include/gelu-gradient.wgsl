// The derivative of the exact GELU (include gelu).

// d/dx x P(X <= x) = P(X <= x) + x density(x), for a standard normal X.
fn gelu_gradient4(x: vec4f) -> vec4f {
  let a = min(abs(x), vec4f(12.0));
  let tail = upper_tail4(a);
  let density = 0.3989422804 * exp(-0.5 * a * a);
  return select(tail, 1.0 - tail, x >= vec4f()) + x * density;
}
