// A picture between page and worker, and what both ends hold it to.

import { check, TmcaError } from '../../../errors/index.js';
import type { Pixels } from '../../types.js';

/** A picture as it is posted. */
export type Shipment =
  | { readonly kind: 'pixels'; readonly pixels: Pixels }
  | { readonly kind: 'file'; readonly blob: Blob }
  | { readonly kind: 'surface'; readonly surface: ImageBitmap | VideoFrame };

/** Gives back what a shipment holds. Twice is fine. */
export function discard(shipment: Shipment): void {
  if (shipment.kind === 'surface') shipment.surface.close();
}

/** Pixels beyond this are refused: RGBA of 128 Mi pixels is 512 MiB. */
const MAX_PIXELS = 2 ** 27;

/** EXIF orientation applied; the profile ignored; alpha left alone until it is dropped over black, once. */
export const FROM_FILE: ImageBitmapOptions = {
  imageOrientation: 'from-image',
  colorSpaceConversion: 'none',
  premultiplyAlpha: 'none',
};

/** Errors: IMAGE_TOO_LARGE. */
export function checkSize(width: number, height: number): void {
  const small = width * height <= MAX_PIXELS;
  check(
    small,
    'IMAGE_TOO_LARGE',
    `segment: an image must have at most ${MAX_PIXELS} pixels, got ${width}x${height}; make it smaller`,
  );
}

/** A picture of another server may be shown, but not read or posted, unless that server allows it. */
export function foreign(cause: unknown): TmcaError {
  const message =
    "segment: the image must be of the page's origin or sent with CORS headers, got one that may not be read; set crossOrigin before src, " +
    'of the <img> or <video> itself and of each that is drawn on a canvas';
  return new TmcaError('IMAGE_UNREADABLE', message, { cause });
}
