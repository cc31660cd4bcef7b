// One axis of Pillow's `resize(BILINEAR)`: for every output position the first source position and the weights, in the
// fixed point that Pillow uses for 8-bit images. Source: Pillow, src/libImaging/Resample.c, `precompute_coeffs` and
// `normalize_coeffs_8bpc`. Triangle filter, widened by the scale when shrinking; f64 throughout, in Pillow's order, so
// that the rounded weights are the same integers.

/** Weights have 22 fraction bits: 8 bits of pixel and 2 of headroom make 32. */
export const PRECISION: i32 = 22;

/** A weight is stored as two halves, `hi * 2^SPLIT + lo`, so that 16-bit dot products can apply it. */
export const SPLIT: i32 = 11;

/** Weights of a window are padded with zeros to a multiple of this, the width of the widest load. */
const LANES: i32 = 8;

@unmanaged
export class Axis {
  /** Output positions. */
  size: i32;
  /** Weights reserved for a window, a multiple of LANES. */
  taps: i32;
  /** i32 [size]: first source position of the window. */
  first: usize;
  /** i32 [size]: source positions in the window, at least 1. */
  count: usize;
  /** i16 [size, taps]: upper and lower parts of the weights. */
  hi: usize;
  lo: usize;
  /** i16 [size, taps]: the weights rounded to multiples of 2^drop, which is one number where `hi` and `lo` are two. */
  top: usize;
  drop: i32;
  /** i32 [size] each: with `top`, a window's sum over any bytes is too large by `above` at most, and by `slack - above` too small. */
  above: usize;
  slack: usize;
}

export function createAxis(source: i32, size: i32): Axis {
  const scale = <f64>source / <f64>size;
  const widen = scale < 1.0 ? 1.0 : scale;
  const window = <i32>Math.ceil(widen) * 2 + 1;
  const taps = (window + LANES - 1) & -LANES;
  const weights = <usize>size * taps * 2;
  const axis = changetype<Axis>(heap.alloc(offsetof<Axis>()));
  axis.size = size;
  axis.taps = taps;
  axis.first = heap.alloc(<usize>size * 4);
  axis.count = heap.alloc(<usize>size * 4);
  axis.hi = heap.alloc(weights);
  axis.lo = heap.alloc(weights);
  axis.top = heap.alloc(weights);
  axis.above = heap.alloc(<usize>size * 4);
  axis.slack = heap.alloc(<usize>size * 4);
  memory.fill(axis.hi, 0, weights);
  memory.fill(axis.lo, 0, weights);
  memory.fill(axis.top, 0, weights);
  for (let o = 0; o < size; ++o) fillWindow(axis, o, source, (<f64>o + 0.5) * scale, widen);
  dropBits(axis);
  return axis;
}

/** Fills `top`, `above` and `slack`. */
function dropBits(axis: Axis): void {
  const end = <usize>axis.size * axis.taps * 2;
  let greatest = 0;
  for (let at: usize = 0; at < end; at += 2) greatest = max(greatest, weightAt(axis, at));
  let drop = 0;
  while (roundOff(greatest, drop) >= 1 << 15) ++drop;
  axis.drop = drop;
  for (let o = 0; o < axis.size; ++o) {
    let above = 0;
    let slack = 0;
    for (let i = 0; i < axis.taps; ++i) {
      const at = (<usize>o * axis.taps + i) << 1;
      const weight = weightAt(axis, at);
      const top = roundOff(weight, drop);
      store<i16>(axis.top + at, <i16>top);
      const error = (top << drop) - weight;
      slack += error < 0 ? -error : error;
      above += max(error, 0);
    }
    store<i32>(axis.above + ((<usize>o) << 2), 255 * above);
    store<i32>(axis.slack + ((<usize>o) << 2), 255 * slack);
  }
}

/** weight / 2^drop, to the nearest. */
function roundOff(weight: i32, drop: i32): i32 {
  return drop ? (weight + (1 << (drop - 1))) >> drop : weight;
}

/** The weight whose halves lie `at` bytes into `hi` and `lo`. */
function weightAt(axis: Axis, at: usize): i32 {
  return ((<i32>load<i16>(axis.hi + at)) << SPLIT) + <i32>load<i16>(axis.lo + at);
}

function fillWindow(axis: Axis, o: i32, source: i32, center: f64, widen: f64): void {
  const first = max(<i32>(center - widen + 0.5), 0);
  const count = min(<i32>(center + widen + 0.5), source) - first;
  const unit = 1.0 / widen;
  let sum = 0.0;
  for (let i = 0; i < count; ++i) sum += triangle((<f64>(i + first) - center + 0.5) * unit);
  const at = <usize>o * axis.taps * 2;
  for (let i = 0; i < count; ++i) {
    const weight = triangle((<f64>(i + first) - center + 0.5) * unit) / sum;
    const fixed = <i32>(0.5 + weight * <f64>(1 << PRECISION));
    store<i16>(axis.hi + at + ((<usize>i) << 1), <i16>(fixed >> SPLIT));
    store<i16>(axis.lo + at + ((<usize>i) << 1), <i16>(fixed & ((1 << SPLIT) - 1)));
  }
  store<i32>(axis.first + ((<usize>o) << 2), first);
  store<i32>(axis.count + ((<usize>o) << 2), count);
}

function triangle(x: f64): f64 {
  const a = Math.abs(x);
  return a < 1.0 ? 1.0 - a : 0.0;
}

export function freeAxis(axis: Axis): void {
  heap.free(axis.first);
  heap.free(axis.count);
  heap.free(axis.hi);
  heap.free(axis.lo);
  heap.free(axis.top);
  heap.free(axis.above);
  heap.free(axis.slack);
  heap.free(changetype<usize>(axis));
}
