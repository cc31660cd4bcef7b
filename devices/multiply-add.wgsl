// y[thread] = a sum that only `rounds` x 8 independent multiply-adds of four numbers can give: the arithmetic rate.
// No memory but one store a thread; eight chains hide the latency of each.

struct Dims { rounds: u32, factor: f32, addend: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> y: array<act4>;

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = act4(vec4f(dims.factor));
  let c = act4(vec4f(dims.addend));
  let start = act4(vec4f(f32(id.x & 255u)) / 256.0);
  var a0 = start;
  var a1 = start + c;
  var a2 = a1 + c;
  var a3 = a2 + c;
  var a4 = a3 + c;
  var a5 = a4 + c;
  var a6 = a5 + c;
  var a7 = a6 + c;
  for (var round = 0u; round < dims.rounds; round++) {
    a0 = fma(a0, m, c);
    a1 = fma(a1, m, c);
    a2 = fma(a2, m, c);
    a3 = fma(a3, m, c);
    a4 = fma(a4, m, c);
    a5 = fma(a5, m, c);
    a6 = fma(a6, m, c);
    a7 = fma(a7, m, c);
  }
  y[id.x] = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7;
}
