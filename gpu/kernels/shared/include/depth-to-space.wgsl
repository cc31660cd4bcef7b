// Where output channel n of pixel m goes: m counts the pixels of maps `width` wide, row by row and map by map.
// Without a shuffle: pixel m, channel n. With one, the pixel becomes a block of r x r pixels of channels / r^2 channels:
// DCR n = (ky r + kx) C + c (a transposed r x r convolution of stride r), CRD n = c r^2 + ky r + kx (PyTorch's
// pixel_shuffle). order: 0 none, 1 DCR, 2 CRD. No height is needed: rows of consecutive maps are consecutive before and after.

struct Place { pixel: u32, channel: u32 }

fn depth_to_space(m: u32, n: u32, width: u32, channels: u32, r: u32, order: u32) -> Place {
  if (order == 0u) { return Place(m, n); }
  let depth = channels / (r * r);
  var tap = n / depth;
  var channel = n % depth;
  if (order == 2u) {
    tap = n % (r * r);
    channel = n / (r * r);
  }
  let row = (m / width) * r + tap / r;
  return Place((row * width + m % width) * r + tap % r, channel);
}
