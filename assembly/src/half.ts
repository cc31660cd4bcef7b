// IEEE 754 binary16: conversion to and from binary32, round to nearest even, subnormals exact, NaNs kept (quieted, upper
// payload bits preserved), four at a time. The bit arithmetic is Fabian Giesen's `float_to_half_fast3_rtne` and
// `half_to_float_fast5` (public domain, gist.github.com/rygorous/2156668).

/** Adding this to a value below 2^-14 aligns its mantissa with a half's subnormals, rounding to nearest even on the way. */
const SUBNORMAL: i32 = (127 - 15 + (23 - 10) + 1) << 23;
/** 2^-14, the least normal half. */
const LEAST_NORMAL: i32 = (127 - 14) << 23;
/** 2^16: from here on everything is infinite. [65520, 2^16) rounds to infinity by the carry. */
const OVER: i32 = (127 + 16) << 23;
const INFINITE: i32 = 255 << 23;

/** f32 [count] at `from` to f16 [count] at `to`. Reads and writes whole groups of 8: blocks must be padded to that. */
export function halfFromFloat(from: usize, to: usize, count: usize): void {
  for (let i: usize = 0; i < count; i += 8, from += 32, to += 16) {
    // The halves carry their sign in bit 15, so `narrow` must not saturate: it takes signed words, hence the shift pair.
    const a = signExtend(halves(v128.load(from)));
    const b = signExtend(halves(v128.load(from, 16)));
    v128.store(to, i16x8.narrow_i32x4_s(a, b));
  }
}

/** f16 [count] at `from` to f32 [count] at `to`. Reads and writes whole groups of 4. */
export function floatFromHalf(from: usize, to: usize, count: usize): void {
  for (let i: usize = 0; i < count; i += 4, from += 8, to += 16) {
    const h = v128.load16x4_u(from);
    const shifted = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
    const special = i32x4.ge_u(shifted, i32x4.splat(0x7c00 << 13));
    // 2^112 moves the exponent from bias 15 to bias 127, and normalises subnormals.
    const scaled = f32x4.mul(shifted, i32x4.splat((127 + 112) << 23));
    const finite = v128.bitselect(v128.or(shifted, i32x4.splat(INFINITE)), scaled, special);
    v128.store(to, v128.or(finite, i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16)));
  }
}

/** One value; the same arithmetic. */
export function toHalf(x: f32): u16 {
  return <u16>i32x4.extract_lane(halves(f32x4.splat(x)), 0);
}

function signExtend(words: v128): v128 {
  return i32x4.shr_s(i32x4.shl(words, 16), 16);
}

/** f32x4 to halves in the lower 16 bits of each lane. */
function halves(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const a = v128.xor(x, sign);
  // Normal: rebias, add just under half a unit in the last place, and one more when the kept mantissa is odd.
  const odd = v128.and(i32x4.shr_u(a, 13), i32x4.splat(1));
  const rebias = i32x4.splat(((15 - 127) << 23) + 0xfff);
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(a, rebias), odd), 13);
  const magic = i32x4.splat(SUBNORMAL);
  const subnormal = i32x4.sub(f32x4.add(a, magic), magic);
  const payload = v128.and(i32x4.shr_u(a, 13), i32x4.splat(0x3ff));
  const nan = v128.or(payload, i32x4.splat(0x7e00));
  const over = v128.bitselect(nan, i32x4.splat(0x7c00), i32x4.gt_s(a, i32x4.splat(INFINITE)));
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(a, i32x4.splat(LEAST_NORMAL)));
  const bits = v128.bitselect(over, finite, i32x4.ge_s(a, i32x4.splat(OVER)));
  return v128.or(bits, i32x4.shr_u(sign, 16));
}
