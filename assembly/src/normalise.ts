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
  takeStatistics(r.pixels, pixels, planes);
  for (let c: usize = 0; c < 3; ++c) {
    const values = table + (c << 10);
    fillTable(values, mode, <i32>c, planes == 1 ? 0 : c, pixels);
    // f16 overwrites f32 from the front: entry i is read at 4i before 2i is written.
    if (half) for (let i: usize = 0; i < 256; ++i) store<u16>(values + (i << 1), toHalf(load<f32>(values + (i << 2))));
  }
  const step: usize = planar ? 1 : 3;
  const next: usize = planar ? pixels : 1;
  if (half) writeHalf(r.pixels, planes, out, step << 1, next << 1, pixels);
  else writeFloat(r.pixels, planes, out, step << 2, next << 2, pixels);
}

/** Largest standard deviation of a channel's bytes, of the picture that was normalised last. */
export function largestDeviation(): f64 {
  return max(max(load<f64>(deviations), load<f64>(deviations, 8)), load<f64>(deviations, 16));
}

/** Where the channels of a pixel lie in it: all at 0 where there is one. */
function writeFloat(source: usize, planes: usize, out: usize, step: usize, next: usize, pixels: usize): void {
  const green: usize = planes == 1 ? 0 : 1;
  for (let i: usize = 0; i < pixels; ++i, source += planes, out += step) {
    store<u32>(out, load<u32>(table + ((<usize>load<u8>(source)) << 2)));
    store<u32>(out + next, load<u32>(table + ((<usize>load<u8>(source + green)) << 2), 1024));
    store<u32>(out + 2 * next, load<u32>(table + ((<usize>load<u8>(source + 2 * green)) << 2), 2048));
  }
}

function writeHalf(source: usize, planes: usize, out: usize, step: usize, next: usize, pixels: usize): void {
  const green: usize = planes == 1 ? 0 : 1;
  for (let i: usize = 0; i < pixels; ++i, source += planes, out += step) {
    store<u16>(out, load<u16>(table + ((<usize>load<u8>(source)) << 1)));
    store<u16>(out + next, load<u16>(table + ((<usize>load<u8>(source + green)) << 1), 1024));
    store<u16>(out + 2 * next, load<u16>(table + ((<usize>load<u8>(source + 2 * green)) << 1), 2048));
  }
}

/** u64 [3] each: sums of a channel's bytes, and of their squares. */
const sums = memory.data(3 * 8, 16);
const squares = memory.data(3 * 8, 16);
/** f64 [3]: standard deviations, of grey in the first; the others are 0 then. */
const deviations = memory.data(3 * 8, 16);

/** Pixels whose squares a u32 holds. */
const BLOCK: usize = 65536;

function takeStatistics(source: usize, pixels: usize, planes: usize): void {
  memory.fill(sums, 0, 3 * 8);
  memory.fill(squares, 0, 3 * 8);
  for (let i: usize = 0; i < pixels; i += BLOCK) {
    const count = min(BLOCK, pixels - i);
    // Four pixels of three channels at a time; what is left, and grey, one by one.
    const quads = planes == 3 ? count & ~3 : 0;
    if (quads) countColour(source, quads);
    for (let c: usize = 0; c < planes; ++c) countPlane(source + quads * planes, count - quads, planes, c);
    source += count * planes;
  }
  for (let c: usize = 0; c < 3; ++c) {
    const sum = load<u64>(sums + (c << 3));
    // n * Sum(x^2) - Sum(x)^2 has no cancellation in integers: it is exact below 2^64, i.e. up to 16 million pixels.
    const variance = <f64>(<u64>pixels * load<u64>(squares + (c << 3)) - sum * sum);
    store<f64>(deviations + (c << 3), Math.sqrt(variance) / <f64>pixels);
  }
}

function addTo(totals: usize, channel: usize, value: u32): void {
  store<u64>(totals + (channel << 3), load<u64>(totals + (channel << 3)) + value);
}

function countPlane(source: usize, count: usize, planes: usize, channel: usize): void {
  let sum: u32 = 0;
  let square: u32 = 0;
  for (let at = source + channel, end = at + count * planes; at < end; at += planes) {
    const x = <u32>load<u8>(at);
    sum += x;
    square += x * x;
  }
  addTo(sums, channel, sum);
  addTo(squares, channel, square);
}

/** Counts the channels of RGB pixels, which are laid out r0 r1 g0 g1 b0 b1 0 0, as in resize.ts. */
function countColour(source: usize, count: usize): void {
  const ones = i16x8.splat(1);
  let sum = i32x4.splat(0);
  let square = i32x4.splat(0);
  for (const end = source + count * 3; source < end; source += 12) {
    const four = v128.load(source);
    const a = i8x16.swizzle(four, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const b = i8x16.swizzle(four, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.add(a, b), ones));
    square = i32x4.add(square, i32x4.add(i32x4.dot_i16x8_s(a, a), i32x4.dot_i16x8_s(b, b)));
  }
  addTo(sums, 0, i32x4.extract_lane(sum, 0));
  addTo(sums, 1, i32x4.extract_lane(sum, 1));
  addTo(sums, 2, i32x4.extract_lane(sum, 2));
  addTo(squares, 0, i32x4.extract_lane(square, 0));
  addTo(squares, 1, i32x4.extract_lane(square, 1));
  addTo(squares, 2, i32x4.extract_lane(square, 2));
}

/** `plane`: the channel's place among those that were counted. */
function fillTable(values: usize, mode: i32, channel: i32, plane: usize, pixels: usize): void {
  let offset = 0.0;
  let scale = 1.0 / 255.0;
  if (mode == ZSCORE) {
    offset = <f64>load<u64>(sums + (plane << 3)) / <f64>pixels;
    scale = 1.0 / (load<f64>(deviations + (plane << 3)) + 1e-6);
  } else if (mode == IMAGENET) {
    // Means and standard deviations of ImageNet's training images, RGB, of bytes over 255 (torchvision).
    const mean = channel == 0 ? 0.485 : channel == 1 ? 0.456 : 0.406;
    const deviation = channel == 0 ? 0.229 : channel == 1 ? 0.224 : 0.225;
    offset = mean * 255.0;
    scale = 1.0 / (deviation * 255.0);
  }
  for (let i = 0; i < 256; ++i) store<f32>(values + ((<usize>i) << 2), <f32>((<f64>i - offset) * scale));
}
