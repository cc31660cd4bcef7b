// How well a model's masks agree with those of a data set, at the network's own size.

import { loadAssembly } from '../../assembly/instance.js';
import { type Evaluation, Evaluator, type Overlap } from '../../assembly/metrics.js';
import { encodeIfRead } from '../../runtime/sentence.js';
import type { Pixels, Session } from '../../runtime/types.js';
import { decodeImage } from '../images/image-files.js';
import { type Mask, maskTarget, readMask, surveyMasks } from '../images/masks.js';
import { type FileNote, NoteTally } from '../notes.js';
import type { DatasetRecord } from './dataset.js';

/** Scores of a set of images, as JSON has them: `dice`, `iou` and `accuracy` pool all pixels, `mean_*` average images. */
export interface Scores {
  readonly n: number;
  readonly dice: number;
  readonly iou: number;
  readonly accuracy: number;
  readonly mean_dice: number;
  readonly mean_iou: number;
}

export interface ImageScore extends Overlap {
  readonly id: string;
  /** Share of the pixels that belong to a lesion, in truth. */
  readonly target: number;
}

export interface Evaluated extends Scores {
  readonly per_image: readonly ImageScore[];
  /** By mark of the data set (see `DatasetRecord.marks`): the scores of the records that do not bear it, where there are any. */
  readonly without: Readonly<Record<string, Scores>>;
  /** Masks that mark no lesion. */
  readonly empty_masks: number;
  /** What was taken for granted of masks and images, a line for each thing. */
  readonly notes: readonly string[];
  /** Texts that are longer than the network reads; the rest of each is left out. */
  readonly truncated: number;
}

export interface EvaluateOptions {
  /** Probability from which a pixel belongs to a lesion; 0.5 if not given. */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
  /** Images done. */
  readonly onProgress?: (done: number) => void;
}

/** What a model makes of a record. Masks are of zeros and ones, [size, size]. */
export interface Prediction {
  readonly prediction: Uint8Array;
  readonly target: Uint8Array;
  readonly size: number;
  /** The text was longer than the network reads. */
  readonly truncated: boolean;
  /** What is worth knowing about the image. */
  readonly notes: readonly FileNote[];
}

/** A record's image and mask. */
export interface OpenedRecord {
  readonly record: DatasetRecord;
  readonly pixels: Pixels;
  readonly mask: Mask;
  readonly notes: readonly FileNote[];
}

/** Errors: those of reading the record's files. */
export async function readRecord(record: DatasetRecord, { signal }: EvaluateOptions = {}): Promise<OpenedRecord> {
  const stop = signal && { signal };
  const { pixels, shape, notes } = await decodeImage(record.image, stop);
  return { record, pixels, notes, mask: await readMask(record.mask, shape, stop) };
}

/** Errors: those of reading the record's files and of the session. */
export const predictRecord = async (
  session: Session,
  record: DatasetRecord,
  options: EvaluateOptions = {},
): Promise<Prediction> => predict(session, await readRecord(record, options), record.text, options);

/** @param text empty: the model is told nothing. Errors: those of the session. */
export async function predict(
  session: Session,
  { record, pixels, mask, notes }: OpenedRecord,
  text: string,
  { threshold = 0.5, signal }: EvaluateOptions = {},
): Promise<Prediction> {
  const stop = signal && { signal };
  const report = await encodeIfRead(session, text, stop);
  try {
    const { probability, size, warnings } = await session.segment(pixels, report, stop);
    const flat = warnings.some(({ code }) => code === 'IMAGE_FLAT');
    const prediction = Uint8Array.from(probability, p => (p >= threshold && !flat ? 1 : 0));
    const target = maskTarget(mask, size);
    const told = warnings
      .filter(({ code }) => code !== 'MODEL_UNCHECKED') // of the model, not of the image
      .map(({ message }) => ({ file: record.image, text: message }));
    return { prediction, target, size, truncated: report?.truncated ?? false, notes: [...notes, ...told] };
  } finally {
    report?.dispose();
  }
}

/**
 * Everything or nothing: a score over part of a split would pass for the split's. All masks are looked at first.
 *
 * Errors: those of `surveyMasks` and `predictRecord`; BAD_ARGUMENT without a record.
 *
 * @example
 * const { records } = await openDataset('kvasir-seg', { split: 'test' });
 * const { dice, without } = await evaluateRecords(session, records);
 */
export async function evaluateRecords(
  session: Session,
  records: readonly DatasetRecord[],
  options: EvaluateOptions = {},
): Promise<Evaluated> {
  const assembly = await loadAssembly();
  const { empty, notes: ofMasks } = await surveyMasks(records, options);
  const ofImages = new NoteTally('image');
  const all = new Evaluator(assembly);
  const counts = new Map<string, number>();
  for (const mark of records.flatMap(record => record.marks)) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  // a mark that every record bears leaves none to score
  const marks = [...counts.keys()].filter(mark => counts.get(mark)! < records.length).sort();
  const without = new Map(marks.map(mark => [mark, new Evaluator(assembly)]));
  const perImage: ImageScore[] = [];
  let truncated = 0;
  for (const record of records) {
    const predicted = await predictRecord(session, record, options);
    const { prediction, target } = predicted;
    const share = target.reduce((sum, pixel) => sum + pixel, 0) / target.length;
    perImage.push({ id: record.id, ...all.add(prediction, target), target: share });
    for (const [mark, evaluator] of without) {
      if (!record.marks.includes(mark)) evaluator.add(prediction, target);
    }
    ofImages.add(predicted.notes);
    truncated += predicted.truncated ? 1 : 0;
    options.onProgress?.(perImage.length);
  }
  const others = [...without].map(([mark, evaluator]) => [mark, scoresOf(evaluator.result())] as const);
  const scores = { ...scoresOf(all.result()), per_image: perImage, without: Object.fromEntries(others) };
  return { ...scores, empty_masks: empty, notes: [...ofMasks, ...ofImages.lines()], truncated };
}

/** The scores of an evaluator's result. */
export const scoresOf = ({ n, dice, iou, accuracy, meanDice, meanIou }: Evaluation): Scores => ({
  ...{ n, dice, iou, accuracy, mean_dice: meanDice, mean_iou: meanIou },
});
