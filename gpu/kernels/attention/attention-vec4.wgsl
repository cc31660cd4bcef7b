// include: finite, attention-tile
// attention.wgsl where head_dim and the offsets and pitches of q, k and v are multiples of four.

@group(0) @binding(1) var<storage, read> q: array<act4>;
@group(0) @binding(2) var<storage, read> k: array<act4>;
@group(0) @binding(3) var<storage, read> v: array<act4>;
@group(0) @binding(5) var<storage, read_write> out: array<act4>;

fn load_q(at: u32, strip: u32) -> vec4f { return vec4f(q[at / 4u + strip]); }
fn load_k(at: u32, strip: u32) -> vec4f { return vec4f(k[at / 4u + strip]); }
fn load_v(at: u32, strip: u32) -> vec4f { return vec4f(v[at / 4u + strip]); }
fn store(at: u32, strip: u32, value: vec4f) { out[at / 4u + strip] = stored4(value); }

fn load_v1(at: u32) -> f32 { return f32(v[at / 4u][at % 4u]); }
fn store1(at: u32, value: f32) { out[at / 4u][at % 4u] = stored(value); }

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  attend(group.y * groups.x + group.x, index);
}
