// The elementwise functions of `unary`, four at a time. `kind` is an index into `unaryKinds` of unary.ts; as an override
// it leaves one branch in the pipeline. Needs: include gelu, leaky-relu; a function slope() -> f32 of the kernel.

override kind: u32 = 0u;

// log(1 + exp(x)) without overflow.
fn softplus4(x: vec4f) -> vec4f { return max(x, vec4f()) + log(1.0 + exp(-abs(x))); }

// exp of a negative number only: no overflow at either end.
fn sigmoid4(x: vec4f) -> vec4f {
  let e = exp(-abs(x));
  return select(e, vec4f(1.0), x >= vec4f()) / (1.0 + e);
}

fn formula4(x: vec4f) -> vec4f {
  switch (kind) {
    case 0u: { return -x; }
    case 1u: { return exp(x); }
    case 2u: { return log(x); }
    case 3u: { return sqrt(x); }
    case 4u: { return inverseSqrt(x); }
    case 5u: { return 1.0 / x; }
    case 6u: { return x * x; }
    case 7u: { return abs(x); }
    case 8u: { return sigmoid4(x); }
    case 9u: { return softplus4(x); }
    case 10u: { return gelu4(x); }
    case 11u: { return leaky_relu4(x, slope()); }
    case 12u: { return max(x, vec4f()); }
    default: { return select(vec4f(), vec4f(1.0), x > vec4f()); } // step
  }
}

fn unary4(x: vec4f) -> vec4f { return keep4(formula4(x), x); }
