// Streaming resize of 8-bit images, bit for bit Pillow's `resize(BILINEAR)`: each source row is reduced horizontally to
// bytes (Pillow rounds between its passes) and then added, weighted, to the accumulators of the output rows whose
// windows hold it. So the source is seen once, in bands of rows, and the memory needed is that of the output:
// i32 [size, size, channels], whatever the source's height.
//
// A weight w = hi * 2^11 + lo. Sum(p * w) = Sum(p * hi) * 2^11 + Sum(p * lo); the lower sum may wrap, the total may not
// (it is at most 255 * 2^22), and arithmetic modulo 2^32 makes the total right all the same.

import { Axis, createAxis, freeAxis, PRECISION, SPLIT, weightAt } from './filter';

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
  /** u8 [size, planes] + SLACK: one row after the horizontal pass. */
  row: usize;
  /** i32 [size, size, planes]; after `finishResize`, u8 [size, size, planes] at the same address. */
  sums: usize;
  /** Source rows taken so far. */
  y: i32;
  /** First output row whose window reaches `y` or beyond. */
  open: i32;
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
  r.row = heap.alloc(<usize>size * r.planes + SLACK);
  r.sums = heap.alloc(<usize>size * size * r.planes * 4 + SLACK);
  restartResize(r);
  return r;
}

/** Makes the plan ready for the next image of the same shape. */
export function restartResize(r: Resize): void {
  r.y = 0;
  r.open = 0;
  const half = i32x4.splat(HALF);
  // The last store may reach into the slack.
  for (let at = r.sums, end = at + ((<usize>r.size * r.size * r.planes) << 2); at < end; at += 16) v128.store(at, half);
}

export function freeResize(r: Resize): void {
  freeAxis(r.horizontal);
  freeAxis(r.vertical);
  heap.free(r.band);
  heap.free(r.row);
  heap.free(r.sums);
  heap.free(changetype<usize>(r));
}

/** Address of the band. */
export function resizeBand(r: Resize): usize {
  return r.band;
}

/** Takes the first `rows` rows of the band as the image's next ones. */
export function resizeRows(r: Resize, rows: i32): void {
  const stride = <usize>r.width * r.channels;
  for (let i = 0; i < rows; ++i) {
    const source = r.band + <usize>i * stride;
    if (r.channels == 1) {
      reduceGrey(r, source);
    } else {
      if (r.channels == 4) dropAlpha(source, r.width);
      reduceColour(r, source);
    }
    accumulate(r);
  }
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
 * RGB [width] to RGB [size]: two pixels a dot product, laid out r0 r1 g0 g1 b0 b1 0 0. Swizzles, not shuffles with zero:
 * engines compile those to one instruction instead of three.
 *
 * First with rounded weights, half the work. Less the most by which they can be too large, their sum is short of the exact one
 * by 0 to the window's slack, so the byte is right unless so much could carry into it: the fraction tells, in a few pixels of a
 * hundred.
 */
function reduceColour(r: Resize, source: usize): void {
  const axis = r.horizontal;
  const zero = i32x4.splat(0);
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
    // Eight pixels a round, for engines check for interrupts once a round; written out, for a call costs more than it does.
    for (; weight + 8 < end; weight += 16, pixel += 24) {
      const four = v128.load(pixel);
      const a = i8x16.swizzle(four, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
      const b = i8x16.swizzle(four, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(a, v128.load32_splat(weight)));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(b, v128.load32_splat(weight, 4)));
      const next = v128.load(pixel, 12);
      const c = i8x16.swizzle(next, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
      const d = i8x16.swizzle(next, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(c, v128.load32_splat(weight, 8)));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(d, v128.load32_splat(weight, 12)));
    }
    if (weight < end) {
      const four = v128.load(pixel);
      const a = i8x16.swizzle(four, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
      const b = i8x16.swizzle(four, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(a, v128.load32_splat(weight)));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(b, v128.load32_splat(weight, 4)));
    }
    let total = i32x4.add(i32x4.shl(sum, drop), i32x4.splat(HALF - load<i32>(axis.above + (o << 2))));
    const reach = i32x4.add(v128.and(total, fraction), v128.load32_splat(axis.slack + (o << 2)));
    if (v128.any_true(i32x4.gt_s(reach, fraction))) total = exactColour(axis, first, o * stride, bytes);
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(total, PRECISION), zero);
    // Writes a fourth byte, which the next pixel (or the row's SLACK) overwrites.
    v128.store32_lane(r.row + o * 3, i8x16.narrow_i16x8_u(words, words), 0);
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
function reduceGrey(r: Resize, source: usize): void {
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
    store<u8>(r.row + o, <u8>min(max(sum >> PRECISION, 0), 255));
  }
}

/** Adds the reduced row, weighted, to every output row whose window holds source row `y`, two at a time. */
function accumulate(r: Resize): void {
  const axis = r.vertical;
  const y = r.y++;
  const length = <usize>r.size * r.planes;
  let o = r.open;
  while (o < r.size && load<i32>(axis.first + ((<usize>o) << 2)) + load<i32>(axis.count + ((<usize>o) << 2)) <= y) ++o;
  r.open = o;
  while (holds(axis, o, y)) {
    const sums = r.sums + ((<usize>o * length) << 2);
    const weight = weightOf(axis, o, y);
    const both = holds(axis, o + 1, y);
    // Without a second row its part adds nothing, to the first.
    addRow(sums, both ? sums + (length << 2) : sums, r.row, length, weight, both ? weightOf(axis, o + 1, y) : 0);
    o += 2;
  }
}

/** Does the window of output `o`, if there is one, begin at source position `y` or before? */
function holds(axis: Axis, o: i32, y: i32): bool {
  return o < axis.size && load<i32>(axis.first + ((<usize>o) << 2)) <= y;
}

function weightOf(axis: Axis, o: i32, y: i32): i32 {
  return weightAt(axis, (<usize>o * axis.taps + <usize>(y - load<i32>(axis.first + ((<usize>o) << 2)))) << 1);
}

/** first [length] += weight * row [length], second [length] += other * row [length]. Reads up to 15 bytes past the row. */
function addRow(first: usize, second: usize, row: usize, length: usize, weight: i32, other: i32): void {
  const k = i32x4.splat(weight);
  const l = i32x4.splat(other);
  let i: usize = 0;
  for (; i + 8 <= length; i += 8, first += 32, second += 32) {
    const eight = v128.load8x8_u(row + i);
    const a = i32x4.extend_low_i16x8_u(eight);
    const b = i32x4.extend_high_i16x8_u(eight);
    v128.store(first, i32x4.add(v128.load(first), i32x4.mul(a, k)));
    v128.store(first, i32x4.add(v128.load(first, 16), i32x4.mul(b, k)), 16);
    v128.store(second, i32x4.add(v128.load(second), i32x4.mul(a, l)));
    v128.store(second, i32x4.add(v128.load(second, 16), i32x4.mul(b, l)), 16);
  }
  for (; i < length; ++i, first += 4, second += 4) {
    const value = <i32>load<u8>(row + i);
    store<i32>(first, load<i32>(first) + weight * value);
    store<i32>(second, load<i32>(second) + other * value);
  }
}

/** Rounds the sums to bytes, in place: u8 [size, size, planes]. Returns their address. */
export function finishResize(r: Resize): usize {
  const length = <usize>r.size * r.size * r.planes;
  // Sixteen at a time; bytes written never reach sums unread, and what is past the end lies in the slack.
  for (let i: usize = 0; i < length; i += 16) {
    const from = r.sums + (i << 2);
    const low = i16x8.narrow_i32x4_s(shifted(from), shifted(from + 16));
    const high = i16x8.narrow_i32x4_s(shifted(from + 32), shifted(from + 48));
    v128.store(r.sums + i, i8x16.narrow_i16x8_u(low, high));
  }
  return r.sums;
}

function shifted(at: usize): v128 {
  return i32x4.shr_s(v128.load(at), PRECISION);
}
