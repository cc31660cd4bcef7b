// include: bilinear
// As resize-bilinear, for C a multiple of 4: dims.channels and dims.count are in quads. One quad a thread.

struct Dims {
  count: u32, height: u32, width: u32, channels: u32, out_height: u32, out_width: u32,
  scale_y: f32, scale_x: f32, // H / oH, W / oW
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read_write> y: array<act4>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= dims.count) { return; }
  let pixel = i / dims.channels;
  let channel = i - pixel * dims.channels;
  let row = pixel / dims.out_width;
  let batch = row / dims.out_height;
  let at_y = bilinear_tap(row - batch * dims.out_height, dims.scale_y, dims.height);
  let at_x = bilinear_tap(pixel - row * dims.out_width, dims.scale_x, dims.width);
  let low = (batch * dims.height + at_y.low) * dims.width;
  let high = (batch * dims.height + at_y.high) * dims.width;
  let top = mix(vec4f(x[(low + at_x.low) * dims.channels + channel]),
                vec4f(x[(low + at_x.high) * dims.channels + channel]), at_x.part);
  let bottom = mix(vec4f(x[(high + at_x.low) * dims.channels + channel]),
                   vec4f(x[(high + at_x.high) * dims.channels + channel]), at_x.part);
  y[i] = stored4(mix(top, bottom, at_y.part));
}
