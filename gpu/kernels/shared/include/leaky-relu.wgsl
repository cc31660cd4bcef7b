// max(x, 0) + slope min(x, 0); torch.nn.functional.leaky_relu.

fn leaky_relu(x: f32, slope: f32) -> f32 { return keep(max(x, 0.0) + slope * min(x, 0.0), x); }

fn leaky_relu4(x: vec4f, slope: f32) -> vec4f {
  return keep4(max(x, vec4f()) + slope * min(x, vec4f()), x);
}
