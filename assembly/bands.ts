// Masks on their way through wasm memory: rows at a time, through one small block.

import { check } from '../errors/index.js';
import type { Pointer } from './exports.js';
import type { Assembly } from './instance.js';

/** Bytes of a band, if a row is no longer. */
const BAND_BYTES = 1 << 18;

/** Most pixels of a mask: 256 megapixels are 32 MiB of bitmap. */
const MAX_PIXELS = 2 ** 28;

/** Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE. */
export function checkSize(width: number, height: number, where: string): void {
  const sides = Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1;
  check(sides, 'BAD_ARGUMENT', `${where}: a mask must be at least 1 x 1, got ${width} x ${height}`);
  const fits = width * height <= MAX_PIXELS;
  const message = `${where}: a mask must have at most ${MAX_PIXELS} pixels, got ${width} x ${height}; shrink or crop the image`;
  check(fits, 'IMAGE_TOO_LARGE', message);
}

/** Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE. */
export function checkMask(mask: Uint8Array, width: number, height: number, where: string): void {
  checkSize(width, height, where);
  const whole = mask.length === width * height;
  check(whole, 'BAD_ARGUMENT', `${where}: mask must hold ${width} x ${height} bytes, got ${mask.length}`);
}

/** Calls `step(y, rows, band)` over the rows of an image; `band` is a block of u8 [rows, width]. */
export function eachBand(
  assembly: Assembly,
  width: number,
  height: number,
  where: string,
  step: (y: number, rows: number, band: Pointer) => void,
): void {
  const most = Math.max(1, Math.min(height, Math.floor(BAND_BYTES / width)));
  const band = assembly.alloc(most * width, where);
  try {
    for (let y = 0; y < height; y += most) step(y, Math.min(most, height - y), band);
  } finally {
    assembly.free(band);
  }
}

/** Makes a bitmap in wasm memory of a mask in which any byte but 0 is set, and frees it after `use`. */
export function withBitmap<T>(
  assembly: Assembly,
  mask: Uint8Array,
  width: number,
  height: number,
  where: string,
  use: (bitmap: Pointer) => T,
): T {
  const { exports } = assembly;
  const bytes = Math.ceil(width / 32) * 4 * height;
  const bitmap = assembly.guard(bytes, where, () => exports.createBitmap(width, height)) >>> 0;
  try {
    eachBand(assembly, width, height, where, (y, rows, band) => {
      assembly.write(band, mask.subarray(y * width, (y + rows) * width));
      exports.packRows(bitmap, y, rows, band);
    });
    return use(bitmap);
  } finally {
    exports.freeBitmap(bitmap);
  }
}
