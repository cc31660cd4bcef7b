// image[i,c] = (byte c of word i - offset c) * scale c; `count` words of RGB, image [count, 3] act. With `zscore`, offset and scale are
// those of the picture itself: its mean, and one over its standard deviation, of which statistics has three each. One word a thread.

struct Dims {
  count: u32, zscore: u32,
  offset_red: f32, offset_green: f32, offset_blue: f32,
  scale_red: f32, scale_green: f32, scale_blue: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read> statistics: array<f32>;
@group(0) @binding(3) var<storage, read_write> image: array<act>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  var offset = vec3f(dims.offset_red, dims.offset_green, dims.offset_blue);
  var scale = vec3f(dims.scale_red, dims.scale_green, dims.scale_blue);
  if (dims.zscore != 0u) {
    offset = vec3f(statistics[0], statistics[1], statistics[2]);
    scale = 1.0 / (vec3f(statistics[3], statistics[4], statistics[5]) + 1e-6);
  }
  let rgb = vec3f((vec3u(pixels[i]) >> vec3u(0u, 8u, 16u)) & vec3u(255u));
  let value = (rgb - offset) * scale;
  image[3u * i] = stored(value.r);
  image[3u * i + 1u] = stored(value.g);
  image[3u * i + 2u] = stored(value.b);
}
