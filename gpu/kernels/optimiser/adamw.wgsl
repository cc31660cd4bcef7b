// One step of AdamW over `count` parameters of flat arenas p, g, m, v [count], in place:
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g²,
//   p = p (1 - lr weight_decay) - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
// `count` is in packets. ITEMS packets a thread, GROUP apart. Bias corrections come from the host, where powers are taken in double precision.
// What is subtracted is put together first, so that a parameter is rounded once, and a decay of 1e-5 is not lost in 1 - 1e-5.
// Source: Loshchilov and Hutter (arXiv:1711.05101), torch.optim.AdamW.

struct Dims {
  count: u32,
  decay: f32, // lr weight_decay
  beta1: f32, gain1: f32, beta2: f32, gain2: f32, // gain: 1 - beta
  step_size: f32, // lr / (1 - beta1^t)
  root_scale: f32, // 1 / sqrt(1 - beta2^t)
  eps: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> gradients: array<Packet>;
@group(0) @binding(2) var<storage, read_write> parameters: array<Packet>;
@group(0) @binding(3) var<storage, read_write> m: array<Packet>;
@group(0) @binding(4) var<storage, read_write> v: array<Packet>;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    let g = gradients[i];
    let mean = dims.beta1 * m[i] + dims.gain1 * g;
    let square = dims.beta2 * v[i] + dims.gain2 * g * g;
    m[i] = mean;
    v[i] = square;
    let pull = dims.step_size * mean / (sqrt(square) * dims.root_scale + dims.eps);
    parameters[i] -= fma(Packet(dims.decay), parameters[i], pull);
  }
}
