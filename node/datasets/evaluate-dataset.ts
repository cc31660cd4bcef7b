// The scores of a model on a split of a data set, as `tmca evaluate --json` prints them.

import { checkOptions, requireOptions } from '../../errors/arguments.js';
import { takeOptions } from '../../runtime/given.js';
import type { ForwardInputs } from '../../runtime/inspect/forward.js';
import { inspectForward } from '../../runtime/inspect/open.js';
import type { Session, SessionOptions } from '../../runtime/types.js';
import { shippedModel } from '../model-folder/folder.js';
import { nodePlatform } from '../platform.js';
import { openSession } from '../session.js';
import type { Dataset, DatasetReading } from './dataset.js';
import { type Evaluated, type EvaluateOptions, evaluateRecords } from './evaluate.js';
import { evaluateSentences, type SentenceEvaluation } from './evaluate-sentences.js';
import { describeEvaluation, type EvaluationSubject } from './evaluation-subject.js';
import { checkReading, openDatasetFor } from './reading.js';
import { insidesOf } from './sentence-fit.js';

/** Shares of 1; where both masks are empty, dice and iou are 1. */
export interface Evaluation extends Evaluated, EvaluationSubject {}

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
  dataset: Dataset,
  about: DatasetReading & { readonly split: string },
  options: Omit<EvaluateOptions, 'onProgress'> & { readonly onProgress?: OnImages | undefined } = {},
): Promise<Evaluation> {
  const { signal, onProgress, threshold = 0.5 } = options;
  const { records, notes, warnings } = dataset;
  const scores = await evaluateRecords(session, records, {
    ...{ threshold, ...(signal && { signal }) },
    onProgress: done => onProgress?.(done, records.length),
  });
  const subject = describeEvaluation(session.info, dataset, about, threshold);
  return { ...scores, notes: [...warnings, ...notes, ...scores.notes], ...subject };
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
export const evaluate = (options: EvaluateModelOptions): Promise<Evaluation> =>
  evaluateBy('evaluate', options, evaluateDataset);

/**
 * Scores a model that is told each caption whole, in part, in other words, not at all and wrongly: what
 * `tmca evaluate --sentences --json` prints. Options and errors are those of `evaluate`.
 *
 * @example
 * const { rows } = await evaluateWays({ data: 'kvasir-seg', model: 'runs/mine' });
 * for (const { name, dice, example } of rows) console.log(name, dice, example);
 */
export const evaluateWays = (options: Omit<EvaluateModelOptions, 'text'>): Promise<SentenceEvaluation> =>
  evaluateBy('evaluateWays', options, async (session, dataset, about, watched) => {
    const { model = shippedModel(), onProgress: _, ...opening } = options;
    const on = { ...opening, device: session.info.device };
    const forward = async (inputs: ForwardInputs) => (await inspectForward(model, nodePlatform, inputs, on)).outputs;
    return evaluateSentences(session, dataset, about, { ...watched, insides: await insidesOf(model, forward) });
  });

async function evaluateBy<T>(where: string, options: EvaluateModelOptions, score: Score<T>): Promise<T> {
  requireOptions(where, options, { data: 'string' });
  const { text: said } = options;
  checkOptions(where, options, said === null ? KINDS : { ...KINDS, text: 'string' });
  const { data, model = shippedModel(), split = 'test', ...others } = options;
  const { text, prompt, category, threshold, onProgress, ...opening } = others;
  takeOptions(threshold === undefined ? {} : { threshold }, where);
  const { signal } = opening;
  const task = { data, model, split, reading: { text, prompt, category }, threshold, signal, onProgress };
  return evaluateModel(task, () => openSession(model, opening), score);
}

/** What scores a model that is open: `evaluateDataset` and its like. */
type Score<T> = (
  session: Session,
  dataset: Dataset,
  about: DatasetReading & { readonly split: string },
  options: Omit<EvaluateOptions, 'onProgress'> & { readonly onProgress?: OnImages | undefined },
) => Promise<T>;

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
 * Errors: those of `openDatasetFor`, of `open` and of `score`; TEXT_NOT_TAKEN.
 */
export async function evaluateModel<T>(
  { data, model, split, reading, threshold, signal, onProgress }: EvaluationTask,
  open: (dataset: Dataset) => Promise<Session>,
  score: Score<T>,
): Promise<T> {
  const stop = signal && { signal };
  const dataset = await openDatasetFor('evaluate', model, data, { split, ...reading, ...stop });
  const session = await open(dataset);
  try {
    checkReading('evaluate', session.info.model, reading);
    const watched = { ...stop, onProgress, ...(threshold !== undefined && { threshold }) };
    return await score(session, dataset, { split, ...reading }, watched);
  } finally {
    session.dispose();
  }
}
