// include: row-reduce, bilinear, ltem-gate
// y = upsample2(N softmax_n(cos(x_n, t) / tau)), n over the N = H W cells of a map: the language-guided gate (LTEM,
// section 3.2.3, equation 2). x [B,H,W,C], t [B,C], y [B,2H,2W] act. One workgroup of 256 threads a batch element; LANES
// threads share a cell. Bilinear, corners not aligned. Any C (ltem-vec4 where C divides by 4); dims.units = C.

struct Dims {
  batch: u32, height: u32, width: u32, units: u32, tile_height: u32, tile_width: u32,
  tau: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> text: array<act>;
@group(0) @binding(3) var<storage, read_write> y: array<act>;

fn products(cell: u32, batch: u32, lane: u32) -> vec2f {
  var share = vec2f();
  for (var i = lane; i < dims.units; i += LANES) {
    let v = f32(x[cell * dims.units + i]);
    share += v * vec2f(f32(text[batch * dims.units + i]), v);
  }
  return share;
}

fn text_square(batch: u32, local: u32) -> f32 {
  var square = 0.0;
  for (var i = local; i < dims.units; i += GROUP) {
    let v = f32(text[batch * dims.units + i]);
    square += v * v;
  }
  return square;
}
