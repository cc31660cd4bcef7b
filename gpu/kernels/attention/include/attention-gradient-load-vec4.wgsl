// attention-gradient-load.wgsl where head_dim and the output's offset and pitch are multiples of four.

@group(0) @binding(1) var<storage, read> q: array<act4>;
@group(0) @binding(2) var<storage, read> k: array<act4>;
@group(0) @binding(3) var<storage, read> v: array<act4>;
@group(0) @binding(5) var<storage, read> dy: array<act4>;
@group(0) @binding(7) var<storage, read_write> out: array<act4>;

fn load_q(at: u32, strip: u32) -> vec4f { return vec4f(q[at / 4u + strip]); }
fn load_k(at: u32, strip: u32) -> vec4f { return vec4f(k[at / 4u + strip]); }
fn load_v(at: u32, strip: u32) -> vec4f { return vec4f(v[at / 4u + strip]); }
fn load_dy(at: u32, strip: u32) -> vec4f { return vec4f(dy[at / 4u + strip]); }
fn store(at: u32, strip: u32, value: vec4f) { out[at / 4u + strip] = act4(value); }

// One element, where an invocation has channels that are no neighbours.
fn load_q1(at: u32) -> f32 { return f32(q[at / 4u][at % 4u]); }
fn load_k1(at: u32) -> f32 { return f32(k[at / 4u][at % 4u]); }
fn load_dy1(at: u32) -> f32 { return f32(dy[at / 4u][at % 4u]); }
fn store1(at: u32, value: f32) { out[at / 4u][at % 4u] = act(value); }
