// Results in forms that other programs read. Functions rather than methods, so that a result stays plain data, which workers may send.

import { componentMask } from '../assembly/holes.js';
import { type CocoRle, countsToMask, countsToText, maskToCounts, textToCounts } from '../assembly/rle.js';
import { checkArgument, requireOptions } from '../errors/arguments.js';
import { check } from '../errors/index.js';
import type { Lesion, Made, Segmentation, Warning } from './types.js';

export type { CocoRle };

/** A mask as COCO's tools read it, with its run lengths as numbers. */
export interface CocoRuns {
  /** Height, width. */
  readonly size: readonly [number, number];
  readonly counts: readonly number[];
}

type Mask = Pick<Segmentation, 'mask' | 'width' | 'height'>;
type Place = Pick<Lesion, 'box' | 'contour'>;

const checkMask = (where: string, result: Mask): void =>
  requireOptions(where, result, { mask: 'bytes', width: 'number', height: 'number' });

/**
 * The pixels of one lesion: [height, width], 0 or 1. Errors: BAD_ARGUMENT.
 *
 * @example
 * const largest = lesionMask(result, result.lesions[0]);
 */
export function lesionMask(result: Mask, lesion: Place): Uint8Array {
  checkMask('lesionMask', result);
  requireOptions('lesionMask', lesion, { box: 'array' });
  const { mask, width } = result;
  const [x, y] = lesion.contour;
  check(
    x !== undefined && y !== undefined && mask[y * width + x],
    'BAD_ARGUMENT',
    'lesionMask: the lesion must be one of this result, got one that is not in its mask; take it from `lesions`',
  );
  return componentMask(mask, width, lesion.box, [x, y]);
}

const pixelsOf = (where: string, result: Mask, lesion: Place | undefined): Uint8Array => {
  checkMask(where, result);
  return lesion ? lesionMask(result, lesion) : result.mask;
};

/**
 * The mask, or the pixels of one lesion, as COCO's compressed run lengths: what pycocotools' `encode` gives. Errors: BAD_ARGUMENT.
 *
 * @example
 * const annotations = result.lesions.map(lesion => ({ segmentation: toRle(result, lesion), bbox: lesion.box, area: lesion.area }));
 */
export function toRle(result: Mask, lesion?: Place): CocoRle {
  const { size, counts } = runs('toRle', result, lesion);
  return { size, counts: countsToText(counts) };
}

/** As {@link toRle}, with run lengths as a list of numbers: down the columns, left to right, the first of pixels that are not set. */
export function toRuns(result: Mask, lesion?: Place): CocoRuns {
  const { size, counts } = runs('toRuns', result, lesion);
  return { size, counts: [...counts] };
}

function runs(where: string, result: Mask, lesion: Place | undefined) {
  const mask = pixelsOf(where, result, lesion);
  const { width, height } = result;
  return { size: [height, width] as const, counts: maskToCounts(mask, width, height) };
}

/**
 * The mask of run lengths, compressed or not: [height, width], 0 or 1. Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE.
 *
 * @example
 * const mask = fromRle(JSON.parse(text).rle);
 */
export function fromRle(rle: CocoRle | CocoRuns): Uint8Array {
  requireOptions('fromRle', rle, { size: 'array' });
  const { size, counts } = rle;
  if (typeof counts !== 'string') checkArgument('fromRle', 'counts', counts, 'array', 'give text or a list of numbers');
  return countsToMask(typeof counts === 'string' ? textToCounts(counts) : counts, size[1], size[0]);
}

/**
 * How much of the view the lesions cover, or one of them: 0..1. Errors: BAD_ARGUMENT.
 *
 * @example
 * console.log(`${(100 * shareOfView(result)).toFixed(1)} % of the view`);
 */
export function shareOfView(result: Pick<Segmentation, 'width' | 'height' | 'lesions'>, lesion?: Lesion): number {
  requireOptions('shareOfView', result, { width: 'number', height: 'number', lesions: 'array' });
  const area = (lesion ? [lesion] : result.lesions).reduce((sum, one) => sum + one.area, 0);
  return area / (result.width * result.height);
}

/** A result as plain values. */
export interface JsonResult extends Partial<Made> {
  readonly notice: string;
  readonly width: number;
  readonly height: number;
  /** Share of the view that the lesions cover. */
  readonly share: number;
  readonly lesions: readonly {
    readonly score: number;
    readonly box: readonly [number, number, number, number];
    readonly area: number;
    readonly share: number;
    readonly contour: readonly number[];
    readonly holes: readonly (readonly number[])[];
  }[];
  readonly omitted: Segmentation['omitted'];
  readonly warnings: readonly Warning[];
  /** The mask. */
  readonly rle: CocoRle;
  readonly ms: Segmentation['ms'];
}

const NOTICE = 'Research use; not a medical device.';

/**
 * A result for `JSON.stringify`: lesions, the mask as run lengths, and what made it (sentence, threshold, model and its hash), where
 * the result knows. Probabilities are left out; see {@link probabilityToPng}. Errors: BAD_ARGUMENT.
 *
 * @param stamp what else made it, or corrects that: { text, model, … }
 * @example
 * const text = JSON.stringify(toJson(result, { text: report.text }));
 */
export function toJson(result: Segmentation, stamp: Partial<Made> = {}): JsonResult {
  checkMask('toJson', result);
  const { width, height, lesions, omitted, warnings, ms, made } = result;
  return {
    notice: NOTICE,
    ...made,
    ...stamp,
    ...{ width, height, share: shareOfView(result) },
    lesions: lesions.map(lesion => ({
      score: lesion.score,
      box: [...lesion.box] as const,
      area: lesion.area,
      share: shareOfView(result, lesion),
      contour: [...lesion.contour],
      holes: lesion.holes.map(hole => [...hole]),
    })),
    omitted: { ...omitted },
    warnings: warnings.map(warning => ({ ...warning })),
    rle: toRle(result),
    ms: { ...ms },
  };
}

/**
 * The mask, or the pixels of one lesion, as a PNG of one channel: 0 and 255, of the source's size. Its bytes are the same in every
 * page, worker and Node; no canvas is used, which some browsers put noise into. Errors: BAD_ARGUMENT.
 *
 * @example
 * link.href = URL.createObjectURL(await maskToPng(result));
 */
export async function maskToPng(result: Mask, lesion?: Place): Promise<Blob> {
  const mask = pixelsOf('maskToPng', result, lesion);
  const { encodePng } = await import('./png.js');
  return encodePng(
    mask.map(value => (value ? 255 : 0)),
    result.width,
    result.height,
  );
}

/**
 * The network's own probabilities as a PNG of one channel of 16 bits, `size` x `size`: 0 for 0 and 65535 for 1. Errors: BAD_ARGUMENT.
 *
 * @example
 * const { data } = await sharp(await (await probabilityToPng(result)).arrayBuffer()).raw({ depth: 'ushort' }).toBuffer();
 */
export async function probabilityToPng(result: Pick<Segmentation, 'probability' | 'size'>): Promise<Blob> {
  requireOptions('probabilityToPng', result, { size: 'number' });
  const { probability, size } = result;
  check(
    probability instanceof Float32Array && probability.length === size * size,
    'BAD_ARGUMENT',
    () =>
      `probabilityToPng: probability must hold ${size} x ${size} numbers, got ${probability?.length}; pass a result`,
  );
  const { encodePng } = await import('./png.js');
  return encodePng(
    Uint16Array.from(probability, value => Math.round(value * 65535)),
    size,
    size,
  );
}
