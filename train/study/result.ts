// result.json: the figures of a run of a study that is done.

import { join } from 'node:path';
import * as v from 'valibot';
import { readJson } from '../../node/disk/read-file.js';

const score = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const Shares = { dice: score, iou: score, mean_dice: score, mean_iou: score };
const Scores = v.object({ n: v.number(), accuracy: score, ...Shares });

const Result = v.object({
  /** Hash of all that decides the run's numbers. */
  key: v.string(),
  row: v.string(),
  patch: v.record(v.string(), v.unknown()),
  seed: v.number(),
  package: v.string(),
  /** What the run failed with where its numbers were no longer finite; null: it did not. */
  diverged: v.nullable(v.string()),
  /** The validation scores of the published model, which is that of the best epoch. */
  validation: v.nullable(v.object(Shares)),
  /** Counted from 1. */
  epoch: v.nullable(v.number()),
  /** Taken in all. */
  step: v.nullable(v.number()),
  seconds: v.nullable(v.number()),
  adapter: v.nullable(v.string()),
  /** Null in a study that scores on validation alone. */
  test: v.nullable(
    v.object({
      ...Scores.entries,
      without: v.record(v.string(), Scores),
      split: v.string(),
      device: v.string(),
      dtype: v.string(),
    }),
  ),
});

export type RunResult = v.InferOutput<typeof Result>;

/** The result in a run's folder, if it is whole, of this very run, and tested where that is asked for; else null: run again. */
export async function readResult(folder: string, key: string, tested: boolean): Promise<RunResult | null> {
  let json: unknown;
  try {
    json = await readJson(join(folder, 'result.json'), {
      rule: 'readResult: a result must be JSON',
      advice: 'remove it',
    });
  } catch {
    return null;
  }
  const parsed = v.safeParse(Result, json);
  if (!parsed.success || parsed.output.key !== key) return null;
  const { diverged, test } = parsed.output;
  return diverged !== null || !tested || test !== null ? parsed.output : null;
}
