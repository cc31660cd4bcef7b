// The scores of a model on a split of a data set, as `tmca evaluate --json` prints them.

import { checkOptions, requireOptions } from '../../errors/arguments.js';
import type { EngineId } from '../../runtime/engines/names.js';
import { takeOptions } from '../../runtime/given.js';
import type { AdapterSummary, DType, Session, SessionOptions } from '../../runtime/types.js';
import { shippedModel } from '../model-folder/folder.js';
import { openSession } from '../session.js';
import type { Dataset, DatasetReading } from './dataset.js';
import { type Evaluated, type EvaluateOptions, evaluateRecords } from './evaluate.js';
import { checkReading, openDatasetFor } from './reading.js';

/** Shares of 1; where both masks are empty, dice and iou are 1. */
export interface Evaluation extends Evaluated {
  readonly device: EngineId;
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  readonly data: string;
  readonly split: string;
  /** The one text of all records, where theirs were replaced; null: they were told nothing. */
  readonly text?: string | null;
  /** Which of the records' sentences, and which category of annotations, where they were chosen. */
  readonly prompt?: string;
  readonly category?: string;
  readonly model: string;
  /** SHA-256 of the weights' file: which model these are the scores of. Empty where it is not known. */
  readonly hash: string;
  /** Side of the masks that were compared. */
  readonly size: number;
  readonly threshold: number;
  /** Whether the model's files were checked; see `SessionInfo`. */
  readonly integrity: 'checked' | 'unchecked';
}

/** Is told how many images of the split are done. */
type OnImages = (done: number, total: number) => void;

/**
 * `about`: how the data set was opened. Errors: those of `evaluateRecords`.
 *
 * @example
 * const dataset = await openDataset('kvasir-seg', { split: 'test' });
 * const { dice, without } = await evaluateDataset(session, dataset, { split: 'test' });
 */
export async function evaluateDataset(
  session: Session,
  { name, records, notes, warnings }: Dataset,
  about: DatasetReading & { readonly split: string },
  options: Omit<EvaluateOptions, 'onProgress'> & { readonly onProgress?: OnImages | undefined } = {},
): Promise<Evaluation> {
  const { signal, onProgress, threshold = 0.5 } = options;
  const scores = await evaluateRecords(session, records, {
    ...{ threshold, ...(signal && { signal }) },
    onProgress: done => onProgress?.(done, records.length),
  });
  const { device, dtype, adapter, model, integrity } = session.info;
  const { split, text, prompt, category } = about;
  const reading = Object.entries({ text, prompt, category }).filter(([, value]) => value !== undefined);
  const set = {
    data: name,
    split,
    ...(Object.fromEntries(reading) as Pick<Evaluation, 'text' | 'prompt' | 'category'>),
  };
  const of = { model: model.name, hash: model.hash, size: model.imageSize, threshold, integrity };
  return { ...scores, notes: [...warnings, ...notes, ...scores.notes], device, dtype, adapter, ...set, ...of };
}

export interface EvaluateModelOptions extends Omit<SessionOptions, 'onProgress'>, DatasetReading {
  /** A data set's folder, of any layout that `tmca evaluate` reads. */
  readonly data: string;
  /** Path or address of a model folder; the model that the package ships if not given. */
  readonly model?: string;
  /** `test` if not given. */
  readonly split?: string;
  /** Probability from which a pixel belongs to a lesion; 0.5 if not given. */
  readonly threshold?: number;
  /** Called after each image. */
  readonly onProgress?: OnImages;
}

const TEXTS = { model: 'string', split: 'string', prompt: 'string', category: 'string' } as const;
const KINDS = { ...TEXTS, signal: 'AbortSignal', onProgress: 'function' } as const;

/**
 * Scores a model on a split of a data set: what `tmca evaluate --json` prints. Masks are compared at the network's own size, and
 * nothing is left out for being small: `minArea` is a matter of `segment`.
 *
 * Errors: BAD_ARGUMENT; those of a data set (FILE_NOT_FOUND, DATASET_INVALID, UNSUPPORTED), of its images and masks, and of
 * `openSession`; ABORTED.
 *
 * @example
 * import { evaluate } from 'tmca-edge/node';
 *
 * const stop = new AbortController();
 * const { dice, mean_dice, per_image, notes } = await evaluate({
 *   data: 'kvasir-seg',
 *   model: 'runs/mine',
 *   split: 'test',
 *   signal: stop.signal,
 *   onProgress: (done, total) => console.log(`${done} of ${total}`),
 * });
 */
export async function evaluate(options: EvaluateModelOptions): Promise<Evaluation> {
  requireOptions('evaluate', options, { data: 'string' });
  const { text: said } = options;
  checkOptions('evaluate', options, said === null ? KINDS : { ...KINDS, text: 'string' });
  const { data, model = shippedModel(), split = 'test', ...others } = options;
  const { text, prompt, category, threshold, onProgress, ...opening } = others;
  takeOptions(threshold === undefined ? {} : { threshold }, 'evaluate');
  const { signal } = opening;
  const task = { data, model, split, reading: { text, prompt, category }, threshold, signal, onProgress };
  return evaluateModel(task, () => openSession(model, opening));
}

/** What is scored on what. */
export interface EvaluationTask {
  readonly data: string;
  /** Path or address of a model folder. */
  readonly model: string;
  readonly split: string;
  readonly reading: DatasetReading;
  readonly threshold: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnImages | undefined;
}

/**
 * The steps of an evaluation, which the command and the API share: the data set is opened first, so that a fault of it costs nobody
 * the loading of a model.
 *
 * @param open opens the model; what it is given is the data set that waits for it
 *
 * Errors: those of `openDatasetFor`, of `open` and of `evaluateDataset`; TEXT_NOT_TAKEN.
 */
export async function evaluateModel(
  { data, model, split, reading, threshold, signal, onProgress }: EvaluationTask,
  open: (dataset: Dataset) => Promise<Session>,
): Promise<Evaluation> {
  const stop = signal && { signal };
  const dataset = await openDatasetFor('evaluate', model, data, { split, ...reading, ...stop });
  const session = await open(dataset);
  try {
    checkReading('evaluate', session.info.model, reading);
    const watched = { ...stop, onProgress, ...(threshold !== undefined && { threshold }) };
    return await evaluateDataset(session, dataset, { split, ...reading }, watched);
  } finally {
    session.dispose();
  }
}
