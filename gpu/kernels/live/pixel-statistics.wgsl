// For each column x of RGB words [size, size]: the sums of red, green and blue, the sums of their squares, and how many pixels
// have each channel in each of 16 equal ranges of bytes. partial[k, x], k in 0..53 in this order. Whole numbers, so that nothing
// depends on an order; no atomics. One column a thread: neighbours read neighbours.

struct Dims { size: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read_write> partial: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= dims.size) { return; }
  var sum = vec3u(0u);
  var square = vec3u(0u);
  var counts: array<u32, 48>;
  for (var y = 0u; y < dims.size; y++) {
    let rgb = (vec3u(pixels[y * dims.size + id.x]) >> vec3u(0u, 8u, 16u)) & vec3u(255u);
    sum += rgb;
    square += rgb * rgb;
    counts[rgb.r >> 4u]++;
    counts[16u + (rgb.g >> 4u)]++;
    counts[32u + (rgb.b >> 4u)]++;
  }
  for (var c = 0u; c < 3u; c++) {
    partial[c * dims.size + id.x] = sum[c];
    partial[(3u + c) * dims.size + id.x] = square[c];
  }
  for (var k = 0u; k < 48u; k++) { partial[(6u + k) * dims.size + id.x] = counts[k]; }
}
