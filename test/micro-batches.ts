// A batch for tests of micro-batches, and what they must add up to: one graph in which they stand side by side, each with
// BatchNorm's statistics of its own, and the contrastive loss goes over all of them.

import { gradients } from '../model/autodiff.js';
import { builder as b } from '../model/builder.js';
import type { Config, Level } from '../model/config.js';
import { type Outputs, parametersOf, type Tensor } from '../model/graph.js';
import { trainingLoss } from '../model/losses.js';
import { expandComposites } from '../model/passes/expand.js';
import { type TmcaOutputs, tmcaInputs } from '../model/tmca.js';
import { trainingNetwork } from '../model/training.js';
import { randomOf } from '../train/random.js';

export const BATCH = 4;
export const LENGTH = 5;

type Inputs = Readonly<Record<string, Float64Array>>;

/** Noise, a lesion of another size in each image and sentences of other lengths. */
export function inputsOf({ imageSize, vocabSize }: Config): Inputs {
  const random = randomOf(7, 'micro-batches');
  const pixels = imageSize ** 2;
  const noise = (count: number) => Float64Array.from({ length: count }, () => 2 * random.unit() - 1);
  return {
    image: noise(BATCH * pixels * 3),
    ids: noise(BATCH * LENGTH).map(x => Math.floor(((x + 1) / 2) * vocabSize)),
    mask: Float64Array.from({ length: BATCH * LENGTH }, (_, i) => (i % LENGTH < 2 + Math.floor(i / LENGTH) ? 1 : 0)),
    target: Float64Array.from({ length: BATCH * pixels }, (_, i) =>
      i % pixels < 100 * Math.floor(1 + i / pixels) ? 1 : 0,
    ),
    contrastiveWeight: Float64Array.of(0.7),
  };
}

/** Micro-batch `k` of a batch's array. */
export const rows = (data: Float64Array, micro: number, k: number) =>
  data.subarray((data.length / BATCH) * micro * k, (data.length / BATCH) * micro * (k + 1));

/** Losses and gradients. Reads the whole batch, and `contrastiveWeight`. */
export function sideBySide(config: Config, micro: number): Outputs {
  const whole = tmcaInputs(config, BATCH, LENGTH);
  const parts = Array.from({ length: BATCH / micro }, (_, k) => {
    const part = (t: Tensor) => b.slice(t, { axis: 0, start: k * micro, end: (k + 1) * micro });
    return trainingNetwork(config, { image: part(whole.image), ids: part(whole.ids), mask: part(whole.mask) });
  });
  const join = (of: (part: TmcaOutputs) => Tensor) => b.concat(parts.map(of), { axis: 0 });
  const pair = (level: Level) => ({ image: join(p => p.pairs[level].image), text: join(p => p.pairs[level].text) });
  const pairs = { G: pair('G'), 32: pair('32'), 16: pair('16'), 8: pair('8') };
  const target = b.input('target', [BATCH, config.imageSize, config.imageSize, 1]);
  const outputs = { logits: join(part => part.logits), pairs };
  const losses = trainingLoss(config, outputs, target, b.input('contrastiveWeight', [1]));
  const expanded = expandComposites({ ...losses });
  return { ...expanded, ...gradients(expanded.loss!, parametersOf(expanded).keys()) };
}
