// The scores of a model on a split, as they are kept beside a run.

import { join } from 'node:path';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { parseJson } from '../../formats/checked-json.js';
import { WAYS } from '../../language/captions/ways.js';
import { ENGINES } from '../../runtime/engines/names.js';
import { LIST_BYTES, readText } from '../disk/read-file.js';
import type { Evaluation } from './evaluate-dataset.js';
import type { SentenceEvaluation } from './evaluate-sentences.js';

/** evaluation-SPLIT.json, in a run's folder. */
export const evaluationFile = (folder: string, split: string): string => join(folder, `evaluation-${split}.json`);

/** sentences-SPLIT.json, in a run's folder: `tmca evaluate --sentences --json`. */
export const sentencesFile = (folder: string, split: string): string => join(folder, `sentences-${split}.json`);

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const shares = { dice: share, iou: share, accuracy: share };
const scores = { n: v.number(), ...shares, mean_dice: share, mean_iou: share };

/** What a kept evaluation is of. */
const subject = {
  device: v.picklist(ENGINES),
  dtype: v.picklist(['fp32', 'fp16', 'int8']),
  adapter: v.object({
    ...{ vendor: v.string(), architecture: v.string(), description: v.string(), software: v.boolean() },
    features: v.array(v.string()),
  }),
  ...{
    data: v.string(),
    split: v.string(),
    text: v.exactOptional(v.nullable(v.string())),
    model: v.string(),
    hash: v.string(),
  },
  ...{ prompt: v.exactOptional(v.string()), category: v.exactOptional(v.string()) },
  ...{ size: v.number(), threshold: share },
  // files of earlier versions do not say
  ...{ empty_masks: v.optional(v.number(), 0), notes: v.optional(v.array(v.string()), []) },
  integrity: v.optional(v.picklist(['checked', 'unchecked']), 'unchecked'),
};

const File = v.object({
  ...scores,
  per_image: v.array(v.object({ id: v.string(), ...shares, target: share })),
  without: v.record(v.string(), v.object(scores)),
  truncated: v.optional(v.number(), 0),
  ...subject,
});

const SentenceFile = v.object({
  rows: v.array(
    v.object({ name: v.picklist(WAYS), ...scores, example: v.nullable(v.string()), truncated: v.number() }),
  ),
  fit: v.object({ auroc_other: v.nullable(share), auroc_swapped: v.nullable(share) }),
  ...subject,
});

/** Errors: FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID. */
export const readEvaluation = (path: string): Promise<Evaluation> =>
  readKept('readEvaluation', path, File, 'tmca evaluate --json or tmca report');

/** Errors: FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID. */
export const readSentences = (path: string): Promise<SentenceEvaluation> =>
  readKept('readSentences', path, SentenceFile, 'tmca evaluate --sentences --json or tmca report --sentences');

async function readKept<T>(where: string, path: string, kind: v.GenericSchema<unknown, T>, by: string): Promise<T> {
  const rule = `${where}: there must be scores of ${by}`;
  const text = await readText(path, { rule, advice: 'make them first', invalid: 'CONFIG_INVALID', limit: LIST_BYTES });
  const fail = (got: string) =>
    new TmcaError('CONFIG_INVALID', `${where}: ${path} must be scores of ${by}, got ${got}; make them anew`);
  return parseJson(text, kind, fail);
}
