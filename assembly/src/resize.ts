// Streaming resize of 8-bit images, bit for bit Pillow's `resize(BILINEAR)`: each source row is reduced horizontally to bytes (Pillow
// rounds between its passes) and kept in a ring of as many rows as a vertical window holds; an output row is made as soon as the last
// row of its window is there. So the source is seen once, in bands of rows, and the memory needed is that of the output and the ring.
//
// A weight w = hi * 2^11 + lo. Sum(p * w) = Sum(p * hi) * 2^11 + Sum(p * lo); the lower sum may wrap, the total may not
// (it is at most 255 * 2^22), and arithmetic modulo 2^32 makes the total right all the same. Both passes sum with rounded weights
// first, half the work. Less the most by which those can be too large, a sum is short of the exact one by 0 to the window's slack, so
// the byte is right unless so much could carry into it: the fraction tells, in a few pixels of a hundred, which are summed again.

import { Axis, createAxis, freeAxis, PRECISION, SPLIT } from './filter';

const HALF: i32 = 1 << (PRECISION - 1);

/** Loads run past the last pixel of a row by less than this; the weights there are zero. */
const SLACK: i32 = 64;

@unmanaged
export class Resize {
  width: i32;
  height: i32;
  /** Bytes of a source pixel: 1, 3 or 4. */
  channels: i32;
  /** Channels that are resized: 1 or 3 (alpha is composited over black first). */
  planes: i32;
  size: i32;
  /** Rows that the band holds. */
  bandRows: i32;
  horizontal: Axis;
  vertical: Axis;
  /** u8 [bandRows, width, channels] + SLACK: the host writes source rows here. */
  band: usize;
  /** Bytes from a reduced row to the next: those of a row and of what is written past it, a multiple of 16. */
  stride: usize;
  /**
   * u8 [2 taps, stride]: reduced rows, row y in slot y modulo taps and once more taps further, so that the rows of a window lie one after
   * another wherever it begins.
   */
  ring: usize;
  /** u8 [size, size, planes] + SLACK. */
  pixels: usize;
  /** Source rows taken so far. */
  y: i32;
  /** Output rows made so far. */
  done: i32;
}

export function createResize(width: i32, height: i32, channels: i32, size: i32, bandRows: i32): Resize {
  const r = changetype<Resize>(heap.alloc(offsetof<Resize>()));
  r.width = width;
  r.height = height;
  r.channels = channels;
  r.planes = channels == 1 ? 1 : 3;
  r.size = size;
  r.bandRows = bandRows;
  r.horizontal = createAxis(width, size);
  r.vertical = createAxis(height, size);
  r.band = heap.alloc(<usize>bandRows * width * channels + SLACK);
  r.stride = (<usize>size * r.planes + 4 + 15) & -16;
  r.ring = heap.alloc(<usize>r.vertical.taps * 2 * r.stride);
  r.pixels = heap.alloc(<usize>size * size * r.planes + SLACK);
  restartResize(r);
  return r;
}

/** Makes the plan ready for the next image of the same shape. */
export function restartResize(r: Resize): void {
  r.y = 0;
  r.done = 0;
}

export function freeResize(r: Resize): void {
  freeAxis(r.horizontal);
  freeAxis(r.vertical);
  heap.free(r.band);
  heap.free(r.ring);
  heap.free(r.pixels);
  heap.free(changetype<usize>(r));
}

/** Address of the band. */
export function resizeBand(r: Resize): usize {
  return r.band;
}

/** Takes the first `rows` rows of the band as the image's next ones. */
export function resizeRows(r: Resize, rows: i32): void {
  const bytes = <usize>r.width * r.channels;
  // Two rows at a time, for weights are loaded once for both; a last one alone is done twice.
  for (let i = 0; i < rows; i += 2) {
    const source = r.band + <usize>i * bytes;
    const more: usize = i + 1 < rows ? 1 : 0;
    const row = rowAt(r, r.y);
    const next = rowAt(r, r.y + <i32>more);
    if (r.channels == 1) {
      reduceGrey(r, source, row);
      if (more) reduceGrey(r, source + bytes, next);
    } else {
      if (r.channels == 4) {
        dropAlpha(source, r.width);
        if (more) dropAlpha(source + bytes, r.width);
      }
      reduceColour(r, source, more * bytes, row, next);
    }
    finishRow(r, row);
    if (more) finishRow(r, next);
  }
}

/** Where source row `y` is kept, reduced. A ring has a row more than any window, so that the next one may come before it is used. */
function rowAt(r: Resize, y: i32): usize {
  return r.ring + <usize>(y % r.vertical.taps) * r.stride;
}

/** Takes the row at `row` as the next one, and makes the output rows whose windows it ends. */
function finishRow(r: Resize, row: usize): void {
  memory.copy(row + <usize>r.vertical.taps * r.stride, row, r.stride);
  ++r.y;
  for (; r.done < r.size && windowEnd(r.vertical, r.done) <= r.y; ++r.done) makeRow(r, r.done);
}

/** One past the last source position in the window of output `o`. */
function windowEnd(axis: Axis, o: i32): i32 {
  const at = (<usize>o) << 2;
  return load<i32>(axis.first + at) + load<i32>(axis.count + at);
}

/** Composites RGBA over black, in place, and closes the pixels up to RGB: c * a / 255, rounded. */
function dropAlpha(row: usize, width: i32): void {
  const opaque = i32x4.splat(0xff000000);
  const end = row + ((<usize>width) << 2);
  let from = row;
  let to = row;
  // Sixteen bytes are written where twelve count; `to` never overtakes `from`, so nothing unread is lost.
  for (; from + 16 <= end; from += 16, to += 12) {
    let pixels = v128.load(from);
    // Video and photographs are opaque throughout, so this branch is foreseen either way.
    if (!i32x4.all_true(i32x4.ge_u(pixels, opaque))) pixels = overBlack(pixels);
    v128.store(to, i8x16.swizzle(pixels, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1)));
  }
  for (; from < end; from += 4, to += 3) {
    const alpha = <u32>load<u8>(from, 3);
    for (let c: usize = 0; c < 3; ++c) {
      const p = <u32>load<u8>(from + c) * alpha + 128;
      store<u8>(to + c, <u8>((p + (p >> 8)) >> 8));
    }
  }
}

/** Four pixels times their alpha. (p + (p >> 8)) >> 8 with p = c * a + 128 is round(c * a / 255) for all bytes. */
function overBlack(pixels: v128): v128 {
  const half = i16x8.splat(128);
  const a = i8x16.swizzle(pixels, i8x16(3, -1, 3, -1, 3, -1, 3, -1, 7, -1, 7, -1, 7, -1, 7, -1));
  const b = i8x16.swizzle(pixels, i8x16(11, -1, 11, -1, 11, -1, 11, -1, 15, -1, 15, -1, 15, -1, 15, -1));
  const p = i16x8.add(i16x8.mul(i16x8.extend_low_i8x16_u(pixels), a), half);
  const q = i16x8.add(i16x8.mul(i16x8.extend_high_i8x16_u(pixels), b), half);
  const low = i16x8.shr_u(i16x8.add(p, i16x8.shr_u(p, 8)), 8);
  const high = i16x8.shr_u(i16x8.add(q, i16x8.shr_u(q, 8)), 8);
  return i8x16.narrow_i16x8_u(low, high);
}

/**
 * RGB [width] to RGB [size], of the row at `source` and of another `gap` bytes further: two pixels a dot product, laid out
 * r0 r1 g0 g1 b0 b1 0 0. Swizzles, not shuffles with zero: engines compile those to one instruction instead of three.
 */
function reduceColour(r: Resize, source: usize, gap: usize, row: usize, next: usize): void {
  const axis = r.horizontal;
  const zero = i32x4.splat(0);
  const half = i32x4.splat(HALF);
  const fraction = i32x4.splat((1 << PRECISION) - 1);
  const drop = axis.drop;
  const stride = <usize>axis.taps * 2;
  for (let o: usize = 0, n = <usize>r.size; o < n; ++o) {
    const first = source + <usize>load<i32>(axis.first + (o << 2)) * 3;
    const bytes = (<usize>load<i32>(axis.count + (o << 2))) << 1;
    let pixel = first;
    let weight = axis.top + o * stride;
    const end = weight + bytes;
    let sum = zero;
    let other = zero;
    // Four pixels of each row a round; written out, for a call costs more than it does. Weights past the window are zero.
    for (; weight < end; weight += 8, pixel += 12) {
      const four = v128.load(pixel);
      const below = v128.load(pixel + gap);
      const w = v128.load32_splat(weight);
      sum = i32x4.add(
        sum,
        i32x4.dot_i16x8_s(i8x16.swizzle(four, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1)), w),
      );
      other = i32x4.add(
        other,
        i32x4.dot_i16x8_s(i8x16.swizzle(below, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1)), w),
      );
      const x = v128.load32_splat(weight, 4);
      sum = i32x4.add(
        sum,
        i32x4.dot_i16x8_s(i8x16.swizzle(four, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1)), x),
      );
      other = i32x4.add(
        other,
        i32x4.dot_i16x8_s(i8x16.swizzle(below, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1)), x),
      );
    }
    const start = i32x4.sub(half, v128.load32_splat(axis.above + (o << 2)));
    const slack = v128.load32_splat(axis.slack + (o << 2));
    sum = i32x4.add(i32x4.shl(sum, drop), start);
    other = i32x4.add(i32x4.shl(other, drop), start);
    const most = i32x4.max_s(v128.and(sum, fraction), v128.and(other, fraction));
    if (v128.any_true(i32x4.gt_s(i32x4.add(most, slack), fraction))) {
      sum = exactColour(axis, first, o * stride, bytes);
      other = exactColour(axis, first + gap, o * stride, bytes);
    }
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, PRECISION), i32x4.shr_s(other, PRECISION));
    const pixels = i8x16.narrow_i16x8_u(words, words);
    // Writes a fourth byte, which the next pixel overwrites; a row's stride has room for the last.
    v128.store32_lane(row + o * 3, pixels, 0);
    v128.store32_lane(next + o * 3, pixels, 1);
  }
}

/** HALF and the sum over a window with all bits of its weights, which lie `weight` bytes into the tables. */
function exactColour(axis: Axis, source: usize, weight: usize, bytes: usize): v128 {
  let pixel = source;
  let hi = i32x4.splat(0);
  let lo = i32x4.splat(HALF);
  for (const end = weight + bytes; weight < end; weight += 8, pixel += 12) {
    const four = v128.load(pixel);
    const a = i8x16.swizzle(four, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const b = i8x16.swizzle(four, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    hi = i32x4.add(hi, i32x4.dot_i16x8_s(a, v128.load32_splat(axis.hi + weight)));
    lo = i32x4.add(lo, i32x4.dot_i16x8_s(a, v128.load32_splat(axis.lo + weight)));
    hi = i32x4.add(hi, i32x4.dot_i16x8_s(b, v128.load32_splat(axis.hi + weight, 4)));
    lo = i32x4.add(lo, i32x4.dot_i16x8_s(b, v128.load32_splat(axis.lo + weight, 4)));
  }
  return i32x4.add(i32x4.shl(hi, SPLIT), lo);
}

/** Grey [width] to grey [size]: eight pixels a dot product. */
function reduceGrey(r: Resize, source: usize, row: usize): void {
  const axis = r.horizontal;
  const stride = <usize>axis.taps * 2;
  for (let o: usize = 0, n = <usize>r.size; o < n; ++o) {
    let pixel = source + load<i32>(axis.first + (o << 2));
    let weight = o * stride;
    const end = weight + ((<usize>load<i32>(axis.count + (o << 2))) << 1);
    let hi = i32x4.splat(0);
    let lo = i32x4.splat(0);
    for (; weight < end; weight += 16, pixel += 8) {
      const eight = v128.load8x8_u(pixel);
      hi = i32x4.add(hi, i32x4.dot_i16x8_s(eight, v128.load(axis.hi + weight)));
      lo = i32x4.add(lo, i32x4.dot_i16x8_s(eight, v128.load(axis.lo + weight)));
    }
    const total = i32x4.add(i32x4.shl(hi, SPLIT), lo);
    const pairs = i32x4.add(total, v128.shuffle<i32>(total, total, 2, 3, 0, 1));
    const sum = i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1) + HALF;
    store<u8>(row + o, <u8>min(max(sum >> PRECISION, 0), 255));
  }
}

/** Output row `o` from the rows of its window, sixteen columns at a time, two rows a dot product. */
function makeRow(r: Resize, o: i32): void {
  const axis = r.vertical;
  const at = (<usize>o) << 2;
  const rows = r.ring + <usize>(load<i32>(axis.first + at) % axis.taps) * r.stride;
  const weights = <usize>o * axis.taps * 2;
  // the row past an odd number of them has weight 0
  const bytes = (<usize>((load<i32>(axis.count + at) + 1) & -2)) << 1;
  const length = <usize>r.size * r.planes;
  const out = r.pixels + <usize>o * length;
  const drop = axis.drop;
  const half = i32x4.splat(HALF - load<i32>(axis.above + at));
  const fraction = i32x4.splat((1 << PRECISION) - 1);
  const slack = v128.load32_splat(axis.slack + at);
  for (let column: usize = 0; column < length; column += 16) {
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let from = rows + column;
    let weight = axis.top + weights;
    for (const end = weight + bytes; weight < end; weight += 4, from += 2 * r.stride) {
      const first = v128.load(from);
      const second = v128.load(from + r.stride);
      const pair = v128.load32_splat(weight);
      const low = i8x16.shuffle(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const high = i8x16.shuffle(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(low), pair));
      b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(low), pair));
      c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(high), pair));
      d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(high), pair));
    }
    a = i32x4.add(i32x4.shl(a, drop), half);
    b = i32x4.add(i32x4.shl(b, drop), half);
    c = i32x4.add(i32x4.shl(c, drop), half);
    d = i32x4.add(i32x4.shl(d, drop), half);
    // What is past the end lies in the next row, which is made later, or in the slack.
    v128.store(out + column, toBytes(a, b, c, d));
    const most = i32x4.max_s(
      i32x4.max_s(v128.and(a, fraction), v128.and(b, fraction)),
      i32x4.max_s(v128.and(c, fraction), v128.and(d, fraction)),
    );
    if (v128.any_true(i32x4.gt_s(i32x4.add(most, slack), fraction)))
      exactColumns(r, rows + column, weights, bytes, out + column);
  }
}

/** Sixteen columns again, with all bits of the weights. */
function exactColumns(r: Resize, from: usize, weight: usize, bytes: usize, out: usize): void {
  const axis = r.vertical;
  let a = i32x4.splat(HALF);
  let b = a;
  let c = a;
  let d = a;
  for (const end = weight + bytes; weight < end; weight += 4, from += 2 * r.stride) {
    const first = v128.load(from);
    const second = v128.load(from + r.stride);
    const hi = v128.load32_splat(axis.hi + weight);
    const lo = v128.load32_splat(axis.lo + weight);
    const low = i8x16.shuffle(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const high = i8x16.shuffle(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    a = i32x4.add(a, weighted(i16x8.extend_low_i8x16_u(low), hi, lo));
    b = i32x4.add(b, weighted(i16x8.extend_high_i8x16_u(low), hi, lo));
    c = i32x4.add(c, weighted(i16x8.extend_low_i8x16_u(high), hi, lo));
    d = i32x4.add(d, weighted(i16x8.extend_high_i8x16_u(high), hi, lo));
  }
  v128.store(out, toBytes(a, b, c, d));
}

function weighted(pairs: v128, hi: v128, lo: v128): v128 {
  return i32x4.add(i32x4.shl(i32x4.dot_i16x8_s(pairs, hi), SPLIT), i32x4.dot_i16x8_s(pairs, lo));
}

/** Sixteen sums to bytes. */
function toBytes(a: v128, b: v128, c: v128, d: v128): v128 {
  const low = i16x8.narrow_i32x4_s(i32x4.shr_s(a, PRECISION), i32x4.shr_s(b, PRECISION));
  const high = i16x8.narrow_i32x4_s(i32x4.shr_s(c, PRECISION), i32x4.shr_s(d, PRECISION));
  return i8x16.narrow_i16x8_u(low, high);
}
