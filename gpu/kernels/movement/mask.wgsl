// include: bilinear
// mask[i,j] = 1 where the probability, bilinear at ((i + 1/2) H / oH - 1/2, (j + 1/2) W / oW - 1/2), is at least the
// threshold, else 0. x [H,W] act: logits, or probabilities if is_logits is false. mask: bytes of oH x oW pixels, row by
// row, four to a word, the first in the lowest byte; bytes past the last pixel are 0. One word a thread.
// The probability is interpolated, not the logit: the mean of p = 0.9 and 0.2 says more than that of their logits.

struct Dims {
  pixels: u32, height: u32, width: u32, out_width: u32,
  scale_y: f32, scale_x: f32, // H / oH, W / oW
  threshold: f32,
}

override is_logits: bool = true;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;

fn probability(at: u32) -> f32 {
  let v = f32(x[at]);
  if (is_logits) {
    let e = exp(-abs(v)); // of a negative number: no overflow
    return select(e, 1.0, v >= 0.0) / (1.0 + e);
  }
  return v;
}

fn sample(row: BilinearTap, column: u32) -> f32 {
  let at = bilinear_tap(column, dims.scale_x, dims.width);
  let low = row.low * dims.width;
  let high = row.high * dims.width;
  let top = mix(probability(low + at.low), probability(low + at.high), at.part);
  let bottom = mix(probability(high + at.low), probability(high + at.high), at.part);
  return mix(top, bottom, row.part);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let word = (group.y * groups.x + group.x) * 64u + local;
  if (4u * word >= dims.pixels) { return; }
  // A word may run over the end of a row, or of several where they are short.
  var row = 4u * word / dims.out_width;
  var column = 4u * word - row * dims.out_width;
  var at_y = bilinear_tap(row, dims.scale_y, dims.height);
  var bytes = 0u;
  for (var k = 0u; k < min(4u, dims.pixels - 4u * word); k++) {
    if (sample(at_y, column) >= dims.threshold) { bytes |= 1u << (8u * k); }
    column++;
    if (column == dims.out_width) {
      column = 0u;
      row++;
      at_y = bilinear_tap(row, dims.scale_y, dims.height);
    }
  }
  mask[word] = bytes;
}
