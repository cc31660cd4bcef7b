// include: triangle-window
// out[y,o] = the pixels of row y around column o of `size`, weighed by a triangle: a picture [height, width] becomes as wide as the
// network's. Colours are rounded to bytes, as Pillow does between its passes, RGB in a word, red in the lowest byte. A source that
// has another size than was announced is stretched to it. One word a thread.

struct Dims { height: u32, width: u32, size: u32, scale: f32 } // scale: width / size

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.size || id.y >= dims.height) { return; }
  let held = textureDimensions(source);
  let row = id.y * held.y / dims.height;
  let window = triangle_window(id.x, dims.scale, dims.width);
  var sum = vec3f(0.0);
  var total = 0.0;
  for (var x = window.first; x < window.end; x++) {
    let weight = triangle_weight(window, x);
    sum += weight * source_at(vec2u(x * held.x / dims.width, row)).rgb;
    total += weight;
  }
  out[id.y * dims.size + id.x] = pack4x8unorm(vec4f(sum / total, 0.0));
}
