// The elementwise functions of `binary`, four at a time. `kind` is an index into `binaryKinds` of binary.ts; as an
// override it leaves one branch in the pipeline. Comparisons give 1 and 0.

override kind: u32 = 0u;

fn indicator4(holds: vec4<bool>) -> vec4f { return select(vec4f(), vec4f(1.0), holds); }

fn formula4(a: vec4f, b: vec4f) -> vec4f {
  switch (kind) {
    case 0u: { return a + b; }
    case 1u: { return a - b; }
    case 2u: { return a * b; }
    case 3u: { return a / b; }
    case 4u: { return max(a, b); }
    case 5u: { return min(a, b); }
    case 6u: { return indicator4(a > b); }
    case 7u: { return indicator4(a >= b); }
    case 8u: { return indicator4(a < b); }
    case 9u: { return indicator4(a <= b); }
    default: { return indicator4(a == b); }
  }
}

fn binary4(a: vec4f, b: vec4f) -> vec4f { return keep4(keep4(formula4(a, b), a), b); }
