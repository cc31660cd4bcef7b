// Bytes to network input. A byte has 256 values, so normalisation is a table per channel, computed in f64 and rounded
// once; the pass over the pixels only looks up and lays out. Statistics are sums of integers, hence exact.

import { toHalf } from './half';
import { Resize } from './resize';

/** Values of `mode`; the host's `NORMALIZE` has the same order. */
const ZSCORE: i32 = 0;
const IMAGENET: i32 = 1;

/** f32 [3, 256]: normalised value of every byte, for each channel of RGB. */
const table = memory.data(3 * 256 * 4, 16);

/**
 * Writes u8 [size, size, planes] (grey repeated to three channels) to `out`: f32 or f16 (`half`), [size, size, 3]
 * (`planar` false) or [3, size, size].
 */
export function normalise(r: Resize, mode: i32, planar: bool, half: bool, out: usize): void {
  const pixels = <usize>r.size * r.size;
  const planes = <usize>r.planes;
  for (let c: usize = 0; c < 3; ++c) {
    const source = r.sums + (planes == 1 ? 0 : c);
    const values = table + (c << 10);
    fillTable(values, mode, <i32>c, source, pixels, planes);
    const first = planar ? c * pixels : c;
    const step: usize = planar ? 1 : 3;
    if (half) writeHalf(source, planes, values, out + (first << 1), step << 1, pixels);
    else writeFloat(source, planes, values, out + (first << 2), step << 2, pixels);
  }
}

function writeFloat(source: usize, planes: usize, values: usize, out: usize, step: usize, pixels: usize): void {
  for (let i: usize = 0; i < pixels; ++i, source += planes, out += step) {
    store<u32>(out, load<u32>(values + ((<usize>load<u8>(source)) << 2)));
  }
}

function writeHalf(source: usize, planes: usize, values: usize, out: usize, step: usize, pixels: usize): void {
  // f16 overwrites f32 from the front: entry i is read at 4i before 2i is written.
  for (let i: usize = 0; i < 256; ++i) store<u16>(values + (i << 1), toHalf(load<f32>(values + (i << 2))));
  for (let i: usize = 0; i < pixels; ++i, source += planes, out += step) {
    store<u16>(out, load<u16>(values + ((<usize>load<u8>(source)) << 1)));
  }
}

function fillTable(values: usize, mode: i32, channel: i32, source: usize, pixels: usize, planes: usize): void {
  let offset = 0.0;
  let scale = 1.0 / 255.0;
  if (mode == ZSCORE) {
    let sum: u64 = 0;
    let squares: u64 = 0;
    for (let i: usize = 0; i < pixels; ++i, source += planes) {
      const x = <u64>load<u8>(source);
      sum += x;
      squares += x * x;
    }
    // n * Sum(x^2) - Sum(x)^2 has no cancellation in integers: it is exact below 2^64, i.e. up to 16 million pixels.
    const n = <f64>pixels;
    offset = <f64>sum / n;
    scale = 1.0 / (Math.sqrt(<f64>(<u64>pixels * squares - sum * sum)) / n + 1e-6);
  } else if (mode == IMAGENET) {
    // Means and standard deviations of ImageNet's training images, RGB, of bytes over 255 (torchvision).
    const mean = channel == 0 ? 0.485 : channel == 1 ? 0.456 : 0.406;
    const deviation = channel == 0 ? 0.229 : channel == 1 ? 0.224 : 0.225;
    offset = mean * 255.0;
    scale = 1.0 / (deviation * 255.0);
  }
  for (let i = 0; i < 256; ++i) store<f32>(values + ((<usize>i) << 2), <f32>((<f64>i - offset) * scale));
}
