// q[m,k] = round(x[m,k] / scale[m]) with scale[m] = max over k of |x[m,k]| / 127: rows as whole numbers from -127 to 127, four
// to a word, and zeros up to a multiple of 16. x [m,k] with a pitch, k a multiple of four; q [m, 4 strips] words; one workgroup
// of 64 a row. A row with a NaN or an infinity gets a scale that is none: what is computed from it is not finite either.
// Source: dynamic quantization per token, as ZeroQuant (arXiv:2206.01861), section 4.1. WGSL: packed_4x8_integer_dot_product.

struct Dims {
  m: u32,
  quads: u32, // k / 4
  strips: u32, // ceil(k / 16)
  x_offset: u32, x_pitch: u32, // in quads
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read_write> q: array<u32>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;

const GROUP = 64u;
const LEAST = 1.0e-30; // below it, 127 / max would overflow; the row counts as zeros

var<workgroup> greatest: array<u32, GROUP>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= dims.m) { return; }
  let first = dims.x_offset + row * dims.x_pitch;
  // Magnitudes compare as their bits do, and NaN is above them all: max() of floats may drop it.
  var most = 0u;
  for (var quad = lane; quad < dims.quads; quad += GROUP) {
    let bits = bitcast<vec4u>(vec4f(x[first + quad])) & vec4u(0x7fffffffu);
    most = max(most, max(max(bits.x, bits.y), max(bits.z, bits.w)));
  }
  greatest[lane] = most;
  workgroupBarrier();
  for (var i = 0u; i < GROUP; i++) { most = max(most, greatest[i]); }
  let bound = bitcast<f32>(most);
  var inverse = 0.0;
  if (bound > LEAST) { inverse = 127.0 / bound; }
  if (lane == 0u) { scale[row] = bound / 127.0; }
  for (var word = lane; word < 4u * dims.strips; word += GROUP) {
    var packed = 0u;
    if (word < dims.quads) {
      let whole = clamp(round(vec4f(x[first + word]) * inverse), vec4f(-127.0), vec4f(127.0));
      packed = pack4xI8(vec4i(whole));
    }
    q[row * 4u * dims.strips + word] = packed;
  }
}
