// What keeps NaN and infinities alive. An overflow must end in an error and never in a mask, but max() and min() may drop NaN,
// 1 / infinity is zero, and exp() takes minus infinity for a number; so a kernel that is not linear in a number says
// keep(result, number): the result, or the number itself where that is not finite. Told by bits, since WGSL lets arithmetic
// and comparisons on NaN and infinities give anything (WGSL, 15.7.2), and compilers then assume that there are none.

const EXPONENT = 0x7f800000u; // all set in NaN and infinities, and in nothing else

fn keep(y: f32, x: f32) -> f32 { return select(y, x, (bitcast<u32>(x) & EXPONENT) == EXPONENT); }

fn keep4(y: vec4f, x: vec4f) -> vec4f {
  return select(y, x, (bitcast<vec4u>(x) & vec4u(EXPONENT)) == vec4u(EXPONENT));
}

fn one_over_root(x: f32) -> f32 { return keep(inverseSqrt(x), x); }

// exp(x - greatest), whose sum is not finite where an x is not.
fn shifted_exp(x: f32, greatest: f32) -> f32 { return keep(exp(x - greatest), x); }
