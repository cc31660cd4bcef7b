// COCO's run-length encoding: runs down the columns, left to right, the first of zeros; and its text form, as pycocotools
// writes it.

import { check, TmcaError } from '../errors/index.js';
import { checkMask, checkSize } from './bands.js';

/** A mask as COCO's tools read it. */
export interface CocoRle {
  /** Height, width. */
  readonly size: readonly [number, number];
  /** Run lengths in text form. */
  readonly counts: string;
}

/**
 * Encodes a mask in which any byte but 0 is set.
 *
 * Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE.
 */
export function encodeRle(mask: Uint8Array, width: number, height: number): CocoRle {
  return { size: [height, width], counts: countsToText(maskToCounts(mask, width, height)) };
}

/** Decodes to u8 [height, width], 0 or 1. Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE. */
export function decodeRle(rle: CocoRle): Uint8Array<ArrayBuffer> {
  return countsToMask(textToCounts(rle.counts), rle.size[1], rle.size[0]);
}

/** Columns that are turned into rows together: a walk down a mask would miss the cache at each pixel. */
const STRIP = 64;

/** Run lengths, the first of zeros (0 where the first pixel is set). Errors: as `encodeRle`. */
export function maskToCounts(mask: Uint8Array, width: number, height: number): Int32Array<ArrayBuffer> {
  checkMask(mask, width, height, 'encodeRle');
  const counts: number[] = [];
  const strip = new Uint8Array(STRIP * height);
  let value = 0;
  let run = 0;
  for (let left = 0; left < width; left += STRIP) {
    const columns = Math.min(STRIP, width - left);
    for (let y = 0; y < height; y++)
      for (let x = 0, from = y * width + left; x < columns; x++) strip[x * height + y] = mask[from + x] ? 1 : 0;
    for (let at = 0; at < columns * height; at++) {
      if (strip[at] !== value) {
        counts.push(run);
        run = 0;
        value ^= 1;
      }
      run++;
    }
  }
  counts.push(run);
  return Int32Array.from(counts);
}

/** Errors: as `decodeRle`. */
export function countsToMask(counts: ArrayLike<number>, width: number, height: number): Uint8Array<ArrayBuffer> {
  checkSize(width, height, 'decodeRle');
  const total = width * height;
  let sum = 0;
  let valid = true;
  for (let i = 0; i < counts.length; i++) {
    valid &&= Number.isInteger(counts[i]) && counts[i]! >= 0;
    sum += counts[i]!;
  }
  check(valid && sum === total, 'BAD_ARGUMENT', () => {
    return `decodeRle: counts must be whole, not negative and sum to ${width} x ${height}, got a sum of ${sum}; check the size`;
  });
  const mask = new Uint8Array(total);
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + counts[i]!;
    if (i % 2 === 0) at = end;
    for (; at < end; at++) mask[(at % height) * width + Math.floor(at / height)] = 1;
  }
  return mask;
}

/**
 * Text form of run lengths: from the fourth on the difference to the one two before, then five bits a character from 48
 * on, lowest first, bit 5 saying that more follow. Source: cocoapi, common/maskApi.c, `rleToString`.
 */
export function countsToText(counts: ArrayLike<number>): string {
  const out: string[] = [];
  for (let i = 0; i < counts.length; i++) {
    let x = counts[i]! - (i > 2 ? counts[i - 2]! : 0);
    for (let more = true; more; ) {
      const bits = x & 31;
      x >>= 5;
      // Done when what is left repeats the sign, which bit 4 shows.
      more = bits & 16 ? x !== -1 : x !== 0;
      out.push(String.fromCharCode(48 + bits + (more ? 32 : 0)));
    }
  }
  return out.join('');
}

/** The reverse of `countsToText`. Errors: BAD_ARGUMENT for text that is no such form. */
export function textToCounts(text: string): Int32Array<ArrayBuffer> {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let x = 0;
    let more = true;
    for (let shift = 0; more; shift += 5) {
      const bits = text.charCodeAt(at) - 48;
      // Past the end, charCodeAt is NaN. Seven characters hold 35 bits, more than any length.
      if (!(bits >= 0 && bits < 64) || shift > 30) throw malformed(text, at);
      x |= (bits & 31) << shift;
      more = (bits & 32) !== 0;
      if (!more && bits & 16 && shift < 27) x |= -1 << (shift + 5);
      at++;
    }
    const before = counts.length > 2 ? counts[counts.length - 2]! : 0;
    if (x + before < 0) throw malformed(text, at - 1);
    counts.push(x + before);
  }
  return Int32Array.from(counts);
}

function malformed(text: string, at: number): TmcaError {
  const got = at < text.length ? `"${text[at]}" at ${at}` : 'its end within a number';
  return new TmcaError('BAD_ARGUMENT', `decodeRle: counts must be COCO's compressed text, got ${got}; check the file`);
}
