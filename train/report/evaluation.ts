// The scores of a model on a split, as `tmca evaluate --json` prints them and as they are kept beside a run.

import { join } from 'node:path';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import type { Dataset, DatasetReading } from '../../runtime/node/dataset.js';
import { type Evaluated, type EvaluateOptions, evaluateRecords } from '../../runtime/node/evaluate.js';
import { LIST_BYTES, readText } from '../../runtime/node/read-file.js';
import type { AdapterSummary, DType, Session } from '../../runtime/types.js';
import { parseJson } from '../parse-json.js';

/** Shares of 1; where both masks are empty, dice and iou are 1. */
export interface Evaluation extends Evaluated {
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  readonly data: string;
  readonly split: string;
  /** The one text of all records, where theirs were replaced. */
  readonly text?: string;
  /** Which of the records' sentences, and which category of annotations, where they were chosen. */
  readonly prompt?: string;
  readonly category?: string;
  readonly model: string;
  /** SHA-256 of the weights' file: which model these are the scores of. Empty where it is not known. */
  readonly hash: string;
  /** Side of the masks that were compared. */
  readonly size: number;
  readonly threshold: number;
}

/** evaluation-SPLIT.json, in a run's folder. */
export const evaluationFile = (folder: string, split: string): string => join(folder, `evaluation-${split}.json`);

/**
 * `about`: how the data set was opened. Errors: those of `evaluateRecords`.
 *
 * @example
 * const dataset = await openDataset('kvasir-seg', { split: 'test' });
 * const { dice, without } = (await evaluateDataset(session, dataset, { split: 'test' })).evaluation;
 */
export async function evaluateDataset(
  session: Session,
  { name, records, notes, warnings }: Dataset,
  about: DatasetReading & { readonly split: string },
  options: Omit<EvaluateOptions, 'onProgress'> & { readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<{ readonly evaluation: Evaluation; readonly truncated: number }> {
  const { signal, onProgress, threshold = 0.5 } = options;
  const { truncated, ...scores } = await evaluateRecords(session, records, {
    ...{ threshold, ...(signal && { signal }) },
    onProgress: done => onProgress?.(done, records.length),
  });
  const { device, dtype, adapter, model } = session.info;
  const { split, text, prompt, category } = about;
  const reading = Object.entries({ text, prompt, category }).filter(([, value]) => value !== undefined);
  const set = {
    data: name,
    split,
    ...(Object.fromEntries(reading) as Pick<Evaluation, 'text' | 'prompt' | 'category'>),
  };
  const of = { model: model.name, hash: model.hash, size: model.imageSize, threshold };
  const told = [...warnings, ...notes, ...scores.notes];
  return { evaluation: { ...scores, notes: told, device, dtype, adapter, ...set, ...of }, truncated };
}

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const shares = { dice: share, iou: share, accuracy: share };
const scores = { n: v.number(), ...shares, mean_dice: share, mean_iou: share };

const File = v.object({
  ...scores,
  per_image: v.array(v.object({ id: v.string(), ...shares, target: share })),
  without: v.record(v.string(), v.object(scores)),
  device: v.picklist(['webgpu', 'wasm']),
  dtype: v.picklist(['fp32', 'fp16', 'int8']),
  adapter: v.object({
    ...{ vendor: v.string(), architecture: v.string(), description: v.string(), software: v.boolean() },
    features: v.array(v.string()),
  }),
  ...{ data: v.string(), split: v.string(), text: v.exactOptional(v.string()), model: v.string(), hash: v.string() },
  ...{ prompt: v.exactOptional(v.string()), category: v.exactOptional(v.string()) },
  ...{ size: v.number(), threshold: share },
  // files of earlier versions do not say
  ...{ empty_masks: v.optional(v.number(), 0), notes: v.optional(v.array(v.string()), []) },
});

/** Errors: FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID. */
export async function readEvaluation(path: string): Promise<Evaluation> {
  const rule = 'readEvaluation: there must be scores of tmca evaluate --json or tmca report';
  const text = await readText(path, { rule, advice: 'make them first', invalid: 'CONFIG_INVALID', limit: LIST_BYTES });
  const fail = (got: string) =>
    new TmcaError(
      'CONFIG_INVALID',
      `readEvaluation: ${path} must be scores of tmca evaluate --json, got ${got}; make them anew`,
    );
  return parseJson(text, File, fail);
}
