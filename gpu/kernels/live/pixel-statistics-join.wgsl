// From what pixel-statistics found in the columns of a picture to mean and standard deviation of red, green and blue, in bytes,
// and 16 shares of pixels for each: out [54] f32 in this order. Squares are taken about the whole number that is nearest to the
// mean, exactly, so that a picture of one colour has a deviation of 0. One thread a channel, and one a range of bytes.

struct Dims { size: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> partial: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

fn total(k: u32) -> u32 {
  var sum = 0u; // of at most 4096 * 4096 bytes, which a u32 holds
  for (var x = 0u; x < dims.size; x++) { sum += partial[k * dims.size + x]; }
  return sum;
}

fn moments(c: u32) {
  let pixels = dims.size * dims.size;
  let sum = total(c);
  let middle = (sum + pixels / 2u) / pixels;
  var squares = 0.0;
  for (var x = 0u; x < dims.size; x++) {
    // sum of (byte - middle)^2 over a column
    let column = partial[c * dims.size + x];
    let square = partial[(3u + c) * dims.size + x];
    squares += f32(square + dims.size * middle * middle - 2u * middle * column);
  }
  let beyond = f32(i32(sum - pixels * middle)) / f32(pixels);
  out[c] = f32(middle) + beyond;
  out[3u + c] = sqrt(max(squares / f32(pixels) - beyond * beyond, 0.0));
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) k: u32) {
  if (k < 3u) {
    moments(k);
  } else if (k >= 6u && k < 54u) {
    out[k] = f32(total(k)) / f32(dims.size * dims.size);
  }
}
