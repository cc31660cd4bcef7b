// A batch for tests of micro-batches, and what they must add up to: one graph in which they stand side by side, each with
// BatchNorm's statistics of its own, and the contrastive loss goes over all of them.

import { gradients } from '../graph/autodiff.js';
import { builder as b } from '../graph/builder.js';
import { type Outputs, parametersOf, type Tensor } from '../graph/graph.js';
import { expandComposites } from '../graph/passes/expand.js';
import type { Config } from '../networks/config.js';
import type { Forward } from '../networks/definition.js';
import { Network } from '../networks/network.js';
import { scalarsOf, targetInput, trainingForward, trainingLosses } from '../networks/training.js';
import { randomOf } from '../train/random.js';

export const BATCH = 4;
export const LENGTH = 5;

type Inputs = Readonly<Record<string, Float64Array>>;

/** Noise, a lesion of another size in each image and sentences of other lengths. */
export function inputsOf(config: Config): Inputs {
  const { imageSize } = config;
  const vocabSize = Network.of(config).text?.vocabSize ?? 0;
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
  const network = Network.of(config);
  const whole = Object.entries(network.leaves(BATCH, LENGTH)) as [string, Tensor][];
  const parts = Array.from({ length: BATCH / micro }, (_, k) => {
    const part = (t: Tensor) => b.slice(t, { axis: 0, start: k * micro, end: (k + 1) * micro });
    const inputs = Object.fromEntries(whole.map(([name, t]) => [name, part(t)])) as unknown as { image: Tensor };
    return trainingForward(network, inputs);
  });
  const join = (of: (part: Forward) => Tensor) => b.concat(parts.map(of), { axis: 0 });
  const names = Object.keys(parts[0]!.features);
  const features = Object.fromEntries(names.map(name => [name, join(part => part.features[name]!)]));
  const forward: Forward = { ...parts[0]!, logits: join(part => part.logits), features };
  const losses = trainingLosses(network, forward, targetInput(network, BATCH), scalarsOf(network, true));
  const expanded = expandComposites({ ...losses });
  return { ...expanded, ...gradients(expanded.loss!, parametersOf(expanded).keys()) };
}
