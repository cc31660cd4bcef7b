// Element access of the backward kernels of attention, for any head_dim. attention-gradient-load-vec4.wgsl: multiples of four.

@group(0) @binding(1) var<storage, read> q: array<act>;
@group(0) @binding(2) var<storage, read> k: array<act>;
@group(0) @binding(3) var<storage, read> v: array<act>;
@group(0) @binding(5) var<storage, read> dy: array<act>;
@group(0) @binding(7) var<storage, read_write> out: array<act>;

fn load_q(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(q[at + i]); }
  return value;
}

fn load_k(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(k[at + i]); }
  return value;
}

fn load_v(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(v[at + i]); }
  return value;
}

fn load_dy(at: u32, strip: u32) -> vec4f {
  var value = vec4f();
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { value[i % 4u] = f32(dy[at + i]); }
  return value;
}

fn store(at: u32, strip: u32, value: vec4f) {
  for (var i = 4u * strip; i < min(4u * strip + 4u, dims.head_dim); i++) { out[at + i] = act(value[i % 4u]); }
}

// One element, where an invocation has channels that are no neighbours.
fn load_q1(at: u32) -> f32 { return f32(q[at]); }
fn load_k1(at: u32) -> f32 { return f32(k[at]); }
fn load_dy1(at: u32) -> f32 { return f32(dy[at]); }
fn store1(at: u32, value: f32) { out[at] = act(value); }
