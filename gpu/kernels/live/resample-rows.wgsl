// include: triangle-window
// out[o,x] = the pixels of column x around row o of `size`, weighed by a triangle: [height, size] becomes as high as the network's
// input. RGB bytes in words, as resample-columns makes them. One word a thread.

struct Dims { height: u32, size: u32, scale: f32 } // scale: height / size

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.size || id.y >= dims.size) { return; }
  let window = triangle_window(id.y, dims.scale, dims.height);
  var sum = vec4f(0.0);
  var total = 0.0;
  for (var y = window.first; y < window.end; y++) {
    let weight = triangle_weight(window, y);
    sum += weight * unpack4x8unorm(rows[y * dims.size + id.x]);
    total += weight;
  }
  out[id.y * dims.size + id.x] = pack4x8unorm(sum / total);
}
