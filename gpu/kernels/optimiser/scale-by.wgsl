// x[i] = x[i] s in place, s = factor, or with has_squares factor min(1, max_norm / (|factor| sqrt(sum squares) + 1e-6)):
// after it, the norm of the whole is at most max_norm. `squares` [parts] holds the sums of squares of the parts that make
// the whole, before scaling. ITEMS packets a thread, GROUP apart. Source: torch.nn.utils.clip_grad_norm_.

struct Dims { count: u32, parts: u32, factor: f32, max_norm: f32 }

override has_squares: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> squares: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<Packet>;

fn scale() -> f32 {
  if (!has_squares) { return dims.factor; }
  var sum = 0.0;
  for (var part = 0u; part < dims.parts; part++) { sum += squares[part]; }
  return dims.factor * min(1.0, dims.max_norm / (abs(dims.factor) * sqrt(sum) + 1e-6));
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let s = scale();
  let first = (group.y * groups.x + group.x) * GROUP * ITEMS + local;
  for (var item = 0u; item < ITEMS; item++) {
    let i = first + item * GROUP;
    if (i >= dims.count) { return; }
    x[i] *= s;
  }
}
