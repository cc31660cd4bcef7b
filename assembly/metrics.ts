// How well a mask agrees with another: overlap, pooled over a data set and per image, and the distance of boundaries.

import { check } from '../errors/index.js';
import { checkMask, withBitmap } from './bands.js';
import type { Assembly } from './instance.js';

/** Pixels by what was predicted and what is so. */
export interface Confusion {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
  readonly trueNegative: number;
}

export interface Overlap {
  /** 2 |A ∩ B| / (|A| + |B|); 1 where both are empty. */
  readonly dice: number;
  /** |A ∩ B| / |A ∪ B|; 1 where both are empty. */
  readonly iou: number;
  /** Share of pixels that agree. */
  readonly accuracy: number;
}

const CHUNK = 1 << 16;

/**
 * Counts the pixels of two masks of one size, in which any byte but 0 is set.
 *
 * Errors: BAD_ARGUMENT, OUT_OF_MEMORY.
 */
export function confusion(assembly: Assembly, prediction: Uint8Array, target: Uint8Array): Confusion {
  const { length } = prediction;
  const same = length === target.length;
  check(same, 'BAD_ARGUMENT', `confusion: masks must be of one size, got ${length} and ${target.length} pixels`);
  const a = assembly.alloc(2 * CHUNK + 16, 'confusion');
  const [b, counts] = [a + CHUNK, a + 2 * CHUNK];
  let [predicted, real, both] = [0, 0, 0];
  try {
    for (let start = 0; start < length; start += CHUNK) {
      const end = Math.min(length, start + CHUNK);
      assembly.write(a, prediction.subarray(start, end));
      assembly.write(b, target.subarray(start, end));
      assembly.exports.countPixels(a, b, end - start, counts);
      const [inA, inB, inBoth] = assembly.read(counts, new Int32Array(3)) as unknown as [number, number, number];
      predicted += inA;
      real += inB;
      both += inBoth;
    }
  } finally {
    assembly.free(a);
  }
  return {
    truePositive: both,
    falsePositive: predicted - both,
    falseNegative: real - both,
    trueNegative: length - predicted - real + both,
  };
}

/** Dice, IoU and accuracy of counts; of no pixels at all they are 1. */
export function overlap(counts: Confusion): Overlap {
  const { truePositive, falsePositive, falseNegative, trueNegative } = counts;
  const wrong = falsePositive + falseNegative;
  const ratio = (right: number) => (right + wrong === 0 ? 1 : right / (right + wrong));
  return { dice: ratio(2 * truePositive), iou: ratio(truePositive), accuracy: ratio(truePositive + trueNegative) };
}

/** Overlap over a data set: `dice`, `iou` and `accuracy` pool all pixels, `meanDice` and `meanIou` average the images. */
export interface Evaluation extends Overlap {
  readonly n: number;
  readonly meanDice: number;
  readonly meanIou: number;
}

/**
 * Gathers overlap image by image.
 *
 * @example
 * const evaluator = new Evaluator(assembly);
 * for (const { prediction, target } of records) evaluator.add(prediction, target);
 * const { dice, meanDice } = evaluator.result();
 */
export class Evaluator {
  readonly #assembly: Assembly;
  #pooled: Confusion = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
  #n = 0;
  #dice = 0;
  #iou = 0;

  constructor(assembly: Assembly) {
    this.#assembly = assembly;
  }

  /** Takes one image and returns its own overlap. Errors: as `confusion`. */
  add(prediction: Uint8Array, target: Uint8Array): Overlap {
    const counts = confusion(this.#assembly, prediction, target);
    const own = overlap(counts);
    const pooled = this.#pooled;
    this.#pooled = {
      truePositive: pooled.truePositive + counts.truePositive,
      falsePositive: pooled.falsePositive + counts.falsePositive,
      falseNegative: pooled.falseNegative + counts.falseNegative,
      trueNegative: pooled.trueNegative + counts.trueNegative,
    };
    this.#n++;
    this.#dice += own.dice;
    this.#iou += own.iou;
    return own;
  }

  /** Errors: BAD_ARGUMENT where no image was added. */
  result(): Evaluation {
    const n = this.#n;
    check(n > 0, 'BAD_ARGUMENT', 'Evaluator.result: at least one image must be added, got none; check the split');
    return { n, ...overlap(this.#pooled), meanDice: this.#dice / n, meanIou: this.#iou / n };
  }
}

/** Squared distances fit 31 bits up to here. */
const MAX_DISTANCE_SIDE = 32767;

/**
 * The 95th percentile, in pixels, of the distances from each boundary pixel of one mask to the nearest of the other, both ways
 * together (as medpy's `hd95`: 4-connected boundaries, the image's border counts as outside, linear interpolation).
 * Both empty: 0. One empty: Infinity, which JSON writes as null.
 *
 * Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE (a side over 32,767), OUT_OF_MEMORY.
 */
export function hausdorff95(
  assembly: Assembly,
  prediction: Uint8Array,
  target: Uint8Array,
  width: number,
  height: number,
): number {
  const where = 'hausdorff95';
  checkMask(prediction, width, height, where);
  checkMask(target, width, height, where);
  const fits = Math.max(width, height) <= MAX_DISTANCE_SIDE;
  const message = `${where}: sides must be at most ${MAX_DISTANCE_SIDE}, got ${width} x ${height}; shrink the masks`;
  check(fits, 'IMAGE_TOO_LARGE', message);
  const empty = [prediction, target].filter(mask => mask.every(x => x === 0)).length;
  if (empty > 0) return empty === 2 ? 0 : Number.POSITIVE_INFINITY;
  const squares = withBitmap(assembly, prediction, width, height, where, a =>
    withBitmap(assembly, target, width, height, where, b => {
      // Two bytes a pixel of the masks' common box.
      assembly.guard(width * height * 2, where, () => assembly.exports.boundaryDistances(a, b));
      return assembly.list();
    }),
  );
  assembly.exports.freeList();
  squares.sort();
  const at = 0.95 * (squares.length - 1);
  const below = Math.sqrt(squares[Math.floor(at)]!);
  return below + (at % 1) * (Math.sqrt(squares[Math.ceil(at)]!) - below);
}
