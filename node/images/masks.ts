// Mask files: the one reader of them for training, evaluation, quantization and reports.
//
// A mask belongs to an image. It has the image's size, as both are seen: another size means another picture, or one of the two turned
// or cropped, and stretched to fit it would give a score that looks right and is wrong. What its values mean is told at the head of
// mask-levels.ts. What cannot mean but one thing is read, with a note where that takes more than black and white; the rest is
// refused. A record may have several masks: its lesions are those of any.

import { resizeNearest } from '../../assembly/preprocess.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type FileNote, NoteTally } from '../notes.js';
import { type DecodeOptions, decodeStored, type ImageShape, readImageShape } from './image-files.js';
import { judgeMask } from './mask-levels.js';
import { drawShapes, type ShapeMask } from './shapes.js';

/** One file; or several, or shapes without a file, whose union counts. */
export type MaskSource = string | readonly string[] | ShapeMask;

export interface Mask {
  /** [height, width] of the image, 1 where there is a lesion. */
  readonly foreground: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** No pixel is marked. */
  readonly empty: boolean;
  readonly notes: readonly FileNote[];
}

/**
 * Reads the mask of an image at its own size.
 *
 * @param image of the image that it belongs to: `decodeImage(path).shape`, or `readImageShape(path)`
 * @throws TmcaError DATASET_INVALID (another size, turned otherwise, labels, a soft map), and those of `decodeImage`
 * @example
 * const { pixels, shape } = await decodeImage('images/a.jpg');
 * const { foreground, notes } = await readMask('masks/a.png', shape);
 */
export async function readMask(source: MaskSource, image: ImageShape, options: DecodeOptions = {}): Promise<Mask> {
  const { width, height } = image;
  if (isShapes(source)) {
    checkShape('the annotations', { ...source, orientation: 1 }, image);
    const foreground = drawShapes(source);
    return { foreground, width, height, empty: !foreground.includes(1), notes: [] };
  }
  const foreground = new Uint8Array(width * height);
  const notes: FileNote[] = [];
  for (const file of typeof source === 'string' ? [source] : source) {
    const stored = await decodeStored(file, options);
    checkShape(file, stored.shape, image);
    const judged = judgeMask(stored.samples);
    if ('fault' in judged) {
      const todo = 'save it as black and white, 0 and 255, with the lesion white';
      throw invalid(`readMask: the mask ${file} must say where the lesion is, got ${judged.fault}; ${todo}`);
    }
    for (let i = 0; i < foreground.length; i++) foreground[i]! |= judged.foreground[i]!;
    notes.push(...stored.notes, ...judged.notes.map(text => ({ file, text })));
  }
  return { foreground, width, height, empty: !foreground.includes(1), notes };
}

const isShapes = (source: MaskSource): source is ShapeMask => typeof source === 'object' && 'shapes' in source;

/** A mask at a network's size, by nearest neighbour as Pillow does it: [size, size]. */
export const maskTarget = ({ foreground, width, height }: Mask, size: number): Uint8Array<ArrayBuffer> =>
  resizeNearest(foreground, width, height, size, size);

const invalid = (message: string) => new TmcaError('DATASET_INVALID', message);

function checkShape(file: string, mask: ImageShape, image: ImageShape): void {
  const text = ({ width, height }: ImageShape) => `${width} x ${height}`;
  const fits = mask.width === image.width && mask.height === image.height;
  const turned = mask.orientation !== image.orientation;
  const hint = turned
    ? `EXIF turns one of them (image ${image.orientation}, mask ${mask.orientation}): save both upright, without an orientation`
    : 'another size means another picture, or a cropped one';
  check(fits, 'DATASET_INVALID', () => {
    return `readMask: a mask must have its image's size, got an image of ${text(image)} and a mask of ${text(mask)} in ${file}; ${hint}`;
  });
  // a quarter turn shows in the sizes, unless the picture is square
  const showsInSizes = image.orientation > 4 !== mask.orientation > 4 && image.width !== image.height;
  check(!turned || showsInSizes, 'DATASET_INVALID', () => {
    return `readMask: a mask must be turned as its image is, got EXIF orientation ${image.orientation} of the image and ${mask.orientation} of ${file}; save both upright, without an orientation`;
  });
}

/** A record's files. */
export interface MaskedImage {
  readonly id: string;
  readonly image: string;
  readonly mask: MaskSource;
}

export interface MaskSurvey {
  /** Masks that mark no lesion. */
  readonly empty: number;
  /** What was found of masks, a line for each thing. */
  readonly notes: readonly string[];
}

/** How many faulty records an error names; the others are counted. */
const NAMED = 5;
/** Files decoded at a time; sharp has four threads. */
const AT_ONCE = 4;

/**
 * Looks at every mask of a set before anything is made of it, so that no hour of work ends at a mask that says nothing.
 *
 * @throws TmcaError DATASET_INVALID, naming five records and counting the others; those of reading files; ABORTED
 * @example
 * const { empty, notes } = await surveyMasks((await openDataset('kvasir-seg', { split: 'test' })).records);
 */
export async function surveyMasks(
  records: readonly MaskedImage[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<MaskSurvey> {
  const found: (Mask | string)[] = [];
  let next = 0;
  const lane = async () => {
    while (next < records.length) {
      throwIfAborted(signal, 'surveyMasks');
      const i = next++;
      found[i] = await lookAt(records[i]!, signal && { signal });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const faults = records.flatMap(({ id }, i) => (typeof found[i] === 'string' ? [`${show(id)} (${found[i]})`] : []));
  check(faults.length === 0, 'DATASET_INVALID', () => {
    const more = faults.length > NAMED ? ` and ${faults.length - NAMED} more` : '';
    const named = faults.slice(0, NAMED).join(', ') + more;
    return `surveyMasks: every record must have a mask that says where its lesions are, got ${faults.length} of ${records.length} at fault: ${named}; mend or remove them`;
  });
  const tally = new NoteTally('mask');
  let empty = 0;
  for (const mask of found as Mask[]) {
    tally.add(mask.notes);
    if (mask.empty) empty++;
  }
  return { empty, notes: [...tally.lines(), ...emptyNotes(empty, records.length)] };
}

/** Without its pixels, which would take more memory than the set's files. */
async function lookAt({ image, mask }: MaskedImage, options: DecodeOptions = {}): Promise<Mask | string> {
  try {
    const read = await readMask(mask, await readImageShape(image, options), options);
    return { ...read, foreground: new Uint8Array(0) };
  } catch (error) {
    // a file that cannot be read says so with its own code
    if (error instanceof TmcaError && error.code === 'DATASET_INVALID') return error.message;
    throw error;
  }
}

/** Whether an error is about a record's files, and no more than that. */
export const isFileFault = (error: unknown): error is TmcaError =>
  error instanceof TmcaError && /^(IMAGE_|FILE_|DATASET_INVALID)/.test(error.code);

/** What is to be said of masks that mark no lesion. */
export function emptyNotes(empty: number, total: number): readonly string[] {
  if (empty === 0) return [];
  if (empty < total) return [`${empty} of ${total} masks are empty: they mark no lesion`];
  return [`none of ${total} masks marks a lesion, so they cannot show whether lesions are found`];
}
