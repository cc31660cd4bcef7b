// One record's files as a training example at the network's size, or what is wrong with them. Runs in a worker thread; knows
// nothing of threads.

import { createHash } from 'node:crypto';
import { loadAssembly, Preprocessor } from '../../assembly/index.js';
import { decodeImage } from '../../node/images/image-files.js';
import { isFileFault, type MaskSource, maskTarget, readMask } from '../../node/images/masks.js';
import type { FileNote } from '../../node/notes.js';
import type { Pixels } from '../../runtime/types.js';

export interface DecodeJob {
  /** The record's id, for messages. */
  readonly id: string;
  /** Paths. */
  readonly image: string;
  readonly mask: MaskSource;
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

export interface DecodedRecord extends Picture {
  /** No lesion is marked, at the mask's own size. */
  readonly empty: boolean;
  readonly notes: { readonly image: readonly FileNote[]; readonly mask: readonly FileNote[] };
}

/** A fault is the data set's, such as a damaged file; anything else is thrown. */
export type Decoded = DecodedRecord | { readonly fault: string };

/**
 * Decodes, checks and resizes: the picture as inference does it (Pillow's antialiased bilinear), the mask by nearest neighbour.
 *
 * Errors: OUT_OF_MEMORY, UNSUPPORTED (sharp does not load).
 */
export async function decodeRecord({ image, mask, size }: DecodeJob): Promise<Decoded> {
  try {
    const { pixels, shape, notes } = await decodeImage(image);
    const read = await readMask(mask, shape);
    const picture = await resize(pixels, size);
    const target = maskTarget(read, size);
    return {
      ...{ picture, mask: target, prints: { picture: printOf(picture), mask: printOf(target) } },
      ...{ empty: read.empty, notes: { image: notes, mask: read.notes } },
    };
  } catch (error) {
    if (isFileFault(error)) return { fault: error.message };
    throw error;
  }
}

const printOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

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
