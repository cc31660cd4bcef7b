// The adapter's multiply-adds: 16 independent chains an invocation, 64 links a round, nothing read but two numbers.

struct Dims { rounds: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = x[0];
  let term = x[1];
  var a = vec4f(f32(id.x)) + vec4f(0.0, 1.0, 2.0, 3.0);
  var b = a + 4.0;
  var c = a + 8.0;
  var d = a + 12.0;
  for (var round = 0u; round < dims.rounds; round++) {
    for (var i = 0u; i < 4u; i++) {
      a = fma(a, vec4f(factor), vec4f(term));
      b = fma(b, vec4f(factor), vec4f(term));
      c = fma(c, vec4f(factor), vec4f(term));
      d = fma(d, vec4f(factor), vec4f(term));
    }
  }
  y[id.x] = dot(a + b + c + d, vec4f(1.0));
}
