// How the logits of whatever takes the steps are scored: by WebGPU (validation.ts) or by PyTorch (../torch/steps.ts).

import { type Assembly, type Evaluation, Evaluator } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import type { Batch } from './gradient-pass.js';

export interface Scoring {
  /** Images that `logits` takes at a time, at most; larger batches are taken in parts. */
  readonly size: number;
  /** Numbers of a map. */
  readonly pixels: number;
  /** [images, pixels] of a part; what lies behind them is not read. */
  logits(part: Batch): Promise<Float32Array>;
  /** Told the number of images that are done. */
  onBatch(images: number): void;
}

/** Errors: MODEL_NOT_FINITE (a logit that is no number), those of `logits`, and what the batches throw. */
export async function scoreBatches(
  assembly: Assembly,
  batches: AsyncIterable<Batch>,
  { size, pixels, logits, onBatch }: Scoring,
): Promise<Evaluation> {
  const evaluator = new Evaluator(assembly);
  let images = 0;
  for await (const batch of batches) {
    const count = batch.target.length / pixels;
    for (const part of partsOf(batch, count, size)) {
      const found = (await logits(part)).subarray(0, part.target.length);
      const stray = found.find(logit => !Number.isFinite(logit));
      check(
        stray === undefined,
        'MODEL_NOT_FINITE',
        `Validation.run: logits must be numbers, got ${stray}; go back to an earlier checkpoint with a lower rate`,
      );
      for (let at = 0; at < part.target.length; at += pixels) {
        const of = (all: Float32Array) => all.subarray(at, at + pixels);
        // probability 0.5
        const prediction = Uint8Array.from(of(found), logit => (logit >= 0 ? 1 : 0));
        evaluator.add(prediction, Uint8Array.from(of(part.target)));
      }
    }
    images += count;
    onBatch(images);
  }
  return evaluator.result();
}

/** A batch of `count` images in batches of at most `size`. */
function* partsOf(batch: Batch, count: number, size: number): Generator<Batch> {
  for (let from = 0; from < count; from += size) {
    const rows = Object.entries(batch).flatMap(([name, data]) => {
      if (!(data instanceof Float32Array || data instanceof Int32Array)) return [];
      const each = data.length / count;
      return [[name, data.subarray(from * each, (from + size) * each)] as const];
    });
    yield Object.fromEntries(rows) as unknown as Batch;
  }
}
