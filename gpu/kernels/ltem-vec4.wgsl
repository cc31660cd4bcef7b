// include: row-reduce, bilinear, ltem-gate
// As ltem, for C a multiple of 4: dims.units = C / 4, and features and text are read in quads.

struct Dims {
  batch: u32, height: u32, width: u32, units: u32, tile_height: u32, tile_width: u32,
  tau: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act4>;
@group(0) @binding(2) var<storage, read> text: array<act4>;
@group(0) @binding(3) var<storage, read_write> y: array<act>;

fn products(cell: u32, batch: u32, lane: u32) -> vec2f {
  var product = vec4f();
  var square = vec4f();
  for (var i = lane; i < dims.units; i += LANES) {
    let v = vec4f(x[cell * dims.units + i]);
    product += v * vec4f(text[batch * dims.units + i]);
    square += v * v;
  }
  return vec2f(dot(product, vec4f(1.0)), dot(square, vec4f(1.0)));
}

fn text_square(batch: u32, local: u32) -> f32 {
  var square = vec4f();
  for (var i = local; i < dims.units; i += GROUP) {
    let v = vec4f(text[batch * dims.units + i]);
    square += v * v;
  }
  return dot(square, vec4f(1.0));
}
