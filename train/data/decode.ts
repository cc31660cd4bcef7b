// One record's files as a training example at the network's size, or what is wrong with them. Runs in a worker thread; knows
// nothing of threads.

import { createHash } from 'node:crypto';
import { loadAssembly, Preprocessor, resizeNearest } from '../../assembly/index.js';
import { TmcaError } from '../../errors/index.js';
import { decodeImage, foregroundOf } from '../../runtime/node/images.js';
import type { Pixels } from '../../runtime/types.js';

export interface DecodeJob {
  /** Of the record, for messages. */
  readonly id: string;
  /** Paths. */
  readonly image: string;
  readonly mask: string;
  /** Side of the result, S. */
  readonly size: number;
}

/** Eight bits a value: a quarter of the floats that they become. */
export interface Picture {
  /** [S, S, 3], RGB. */
  readonly picture: Uint8Array;
  /** [S, S], 0 or 1. */
  readonly mask: Uint8Array;
  readonly prints: PicturePrints;
}

/** Hashes of a picture's bytes, as far as they tell one from any other. */
export interface PicturePrints {
  readonly picture: string;
  readonly mask: string;
}

/** A fault is the data set's, such as a damaged file; anything else is thrown. */
export type Decoded = Picture | { readonly fault: string };

/** A mask's value is black or white within this distance of 0 or 255: what JPEG does to an edge stays within a pixel or two. */
const GREY_TOLERANCE = 32;
/** Share of pixels that may be neither: smoothed edges. A soft map, or one of several labels, has more. */
const GREY_SHARE = 0.02;
/** From here on a mask's pixel is foreground (`foregroundOf`). */
const FOREGROUND = 128;

/**
 * Decodes, checks and resizes: the picture as inference does it (Pillow's antialiased bilinear), the mask by nearest neighbour.
 *
 * Errors: OUT_OF_MEMORY, UNSUPPORTED (sharp does not load).
 */
export async function decodeRecord({ image, mask, size }: DecodeJob): Promise<Decoded> {
  try {
    const { pixels } = await decodeImage(image);
    const { pixels: target } = await decodeImage(mask);
    const fault = sizeFault(pixels, target) ?? maskFault(target);
    if (fault !== null) return { fault };
    const foreground = foregroundOf(target);
    const picture = await resize(pixels, size);
    const resized = resizeNearest(foreground, target.width, target.height, size, size);
    return { picture, mask: resized, prints: { picture: printOf(picture), mask: printOf(resized) } };
  } catch (error) {
    if (error instanceof TmcaError && /^(IMAGE|FILE)_/.test(error.code)) return { fault: error.message };
    throw error;
  }
}

const printOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

const shape = ({ width, height }: Pixels): string => `${width} x ${height}`;

/** Another size means another picture, or one of the two turned or cropped; the resized pair would look right and be wrong. */
function sizeFault(image: Pixels, mask: Pixels): string | null {
  if (image.width === mask.width && image.height === mask.height) return null;
  return `image is ${shape(image)}, mask ${shape(mask)}`;
}

/** Masks must be black and white. */
export function maskFault({ data }: Pixels): string | null {
  let brightest = 0;
  let grey = 0;
  for (const value of data) {
    if (value > brightest) brightest = value;
    if (value > GREY_TOLERANCE && value < 255 - GREY_TOLERANCE) grey++;
  }
  // labels 0 and 1 instead of 0 and 255: the whole mask would read as empty
  if (brightest > 0 && brightest < FOREGROUND) return `mask must reach 255, its brightest value is ${brightest}`;
  const share = grey / data.length;
  if (share <= GREY_SHARE) return null;
  return `mask must be 0 or 255, ${(100 * share).toFixed(1)} % of it is neither`;
}

/** One thread works on one size. */
let preprocessor: { readonly size: number; readonly run: Preprocessor } | undefined;

async function resize(pixels: Pixels, size: number): Promise<Uint8Array> {
  if (preprocessor?.size !== size) {
    preprocessor?.run.dispose();
    preprocessor = { size, run: new Preprocessor(await loadAssembly(), { size, normalize: 'none' }) };
  }
  const scaled = preprocessor.run.run(pixels);
  const bytes = new Uint8Array(scaled.length);
  // `none` gives x / 255 of the resized byte x
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(scaled[i]! * 255);
  return bytes;
}
