// y[thread] = a sum that only `rounds` x 16 multiply-adds of four numbers can give, in four independent chains: the arithmetic
// rate. No memory but one store a thread. More chains would hide no more latency, and where the lanes of a CPU are the
// invocations their sums would no longer all be in registers.

struct Dims { rounds: u32, factor: f32, addend: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> y: array<act4>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = act4(vec4f(dims.factor));
  let c = act4(vec4f(dims.addend));
  var a0 = act4(vec4f(f32(id.x & 255u)) / 256.0);
  var a1 = a0 + c;
  var a2 = a1 + c;
  var a3 = a2 + c;
  for (var round = 0u; round < dims.rounds; round++) {
    for (var i = 0u; i < 4u; i++) {
      a0 = fma(a0, m, c);
      a1 = fma(a1, m, c);
      a2 = fma(a2, m, c);
      a3 = fma(a3, m, c);
    }
  }
  y[id.x] = a0 + a1 + a2 + a3;
}
