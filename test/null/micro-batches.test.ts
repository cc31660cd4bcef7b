// Micro-batches add up to the whole batch: held against one graph in which they stand side by side, each with BatchNorm's
// statistics of its own, and the contrastive loss goes over all of them.

import { describe, expect, test } from 'vitest';
import { gradients } from '../../model/autodiff.js';
import { builder as b } from '../../model/builder.js';
import type { Config, Level } from '../../model/config.js';
import { type Outputs, parametersOf, type Tensor } from '../../model/graph.js';
import { evaluate } from '../../model/interpreter.js';
import { trainingLoss } from '../../model/losses.js';
import { featureName, type MicroBatchGraphs, microBatchGraphs } from '../../model/micro-batches.js';
import { expandComposites } from '../../model/passes/expand.js';
import { parameterInput } from '../../model/passes/parameters-as-inputs.js';
import type { NdArray } from '../../model/rule.js';
import { type TmcaOutputs, tmca, tmcaInputs } from '../../model/tmca.js';
import { trainingGraph } from '../../model/training.js';
import { randomOf } from '../../train/random.js';
import { loadGolden } from '../golden.js';

const BATCH = 4;
const LENGTH = 5;
/** Of a tensor's largest element. Double precision on both sides, sums in another order. */
const ROUNDING = 1e-11;

type Values = Readonly<Record<string, NdArray>>;
type Inputs = Readonly<Record<string, Float64Array>>;

/** Noise, a lesion of another size in each image and sentences of other lengths. */
function inputsOf({ imageSize, vocabSize }: Config): Inputs {
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

const rows = (data: Float64Array, micro: number, k: number) =>
  data.subarray((data.length / BATCH) * micro * k, (data.length / BATCH) * micro * (k + 1));

/** As training does it: features of all, contrast, then the backward passes added up. */
function inMicroBatches(
  graphs: MicroBatchGraphs,
  micro: number,
  inputs: Inputs,
  parameter: (name: string) => ArrayLike<number>,
) {
  const count = BATCH / micro;
  const batches = Array.from(
    { length: count },
    (_, k): Inputs => Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, rows(data, micro, k)])),
  );
  const forward = batches.map(batch => evaluate(graphs.forward, { input: name => batch[name]!, parameter }) as Values);
  const features = Object.fromEntries(
    graphs.features.map(({ name }) => [
      parameterInput(featureName(name)),
      Float64Array.from(forward.flatMap(found => [...found[featureName(name)]!.data])),
    ]),
  );
  const contrast = evaluate(graphs.contrast, { input: name => features[name] ?? inputs[name]! }) as Values;
  const wanted = { ...graphs.backward.losses, ...graphs.backward.gradients };
  const sums: Record<string, Float64Array> = {};
  for (const [k, batch] of batches.entries()) {
    const input = (name: string) => batch[name] ?? rows(contrast[name]!.data, micro, k);
    for (const [name, { data }] of Object.entries(evaluate(wanted, { input, parameter }) as Values))
      sums[name] = sums[name]?.map((x, i) => x + data[i]!) ?? data.slice();
  }
  const contrastive = contrast.contrastive?.data[0] ?? 0;
  return { sums, contrastive };
}

/** The same in one graph. */
function sideBySide(config: Config, micro: number): Outputs {
  const whole = tmcaInputs(config, BATCH, LENGTH);
  const parts = Array.from({ length: BATCH / micro }, (_, k) => {
    const part = (t: Tensor) => b.slice(t, { axis: 0, start: k * micro, end: (k + 1) * micro });
    return tmca(config, { image: part(whole.image), ids: part(whole.ids), mask: part(whole.mask) }, 'training');
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

function expectEqual(found: Readonly<Record<string, Float64Array>>, expected: Values, names: readonly string[]) {
  // What is zero by algebra (a key's bias moves all scores alike) holds rounding alone.
  const floor = ROUNDING * Math.max(...names.flatMap(name => [...expected[name]!.data]).map(Math.abs));
  for (const name of names) {
    const { data } = expected[name]!;
    const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const error = found[name]!.reduce((most, x, i) => Math.max(most, Math.abs(x - data[i]!)), 0);
    expect(error, `${name}, of ${largest}`).toBeLessThan(ROUNDING * largest + floor);
  }
}

const variants = [
  ['micro', 1],
  ['micro', 2],
  ['micro-contrast', 2],
  ['micro-baseline', 2],
] as const;

describe.each(variants)('%s in micro-batches of %i', (name, micro) => {
  test('losses and gradients are those of one graph over the whole batch', { timeout: 60_000 }, async () => {
    const { config, feed } = await loadGolden(`test/fixtures/golden/${name}`);
    const parameter = (key: string) => feed.parameter!(key);
    const inputs = inputsOf(config);
    const graphs = microBatchGraphs(config, { batch: BATCH, micro, length: LENGTH });
    const { sums, contrastive } = inMicroBatches(graphs, micro, inputs, parameter);
    const expected = evaluate(sideBySide(config, micro), { input: key => inputs[key]!, parameter }) as Values;
    expect(sums.segmentation![0]).toBeCloseTo(expected.segmentation!.data[0]!, 12);
    expect(contrastive).toBeCloseTo(expected.contrastive!.data[0]!, 12);
    const names = Object.keys(expected).filter(key => !['loss', 'segmentation', 'contrastive'].includes(key));
    expect(Object.keys(graphs.backward.gradients).sort()).toEqual([...names].sort());
    expectEqual(sums, expected, names);
  });
});

test.each(['none', 'cheap', 'blocks'] as const)(
  'one micro-batch is the plain training graph, recompute %s',
  async recompute => {
    const { config, feed } = await loadGolden('test/fixtures/golden/micro');
    const parameter = (key: string) => feed.parameter!(key);
    const inputs = inputsOf(config);
    const graphs = microBatchGraphs(config, { batch: BATCH, micro: BATCH, length: LENGTH }, { recompute });
    const { sums } = inMicroBatches(graphs, BATCH, inputs, parameter);
    const plain = trainingGraph(config, BATCH, LENGTH, { weightAsInput: true });
    const feedAll = { input: (key: string) => inputs[key]!, parameter };
    const expected = evaluate({ ...plain.losses, ...plain.gradients }, feedAll) as Values;
    expectEqual(sums, expected, Object.keys(plain.gradients));
  },
);

test('what contrasts sees the whole batch: without it, two halves give another gradient', async () => {
  const { config, feed } = await loadGolden('test/fixtures/golden/micro-contrast');
  const parameter = (key: string) => feed.parameter!(key);
  const inputs = inputsOf(config);
  const graphs = microBatchGraphs(config, { batch: BATCH, micro: 2, length: LENGTH });
  const { sums } = inMicroBatches(graphs, 2, inputs, parameter);
  // Plain accumulation: each half contrasted by itself.
  const plain = trainingGraph(config, 2, LENGTH, { weightAsInput: true });
  const name = 'decoder.text_proj.G.weight';
  const halves = [0, 1].map(k => {
    const input = (key: string) => (key === 'contrastiveWeight' ? inputs[key]! : rows(inputs[key]!, 2, k));
    return (evaluate({ d: plain.gradients[name]! }, { input, parameter }) as Values).d!.data;
  });
  const apart = sums[name]!.map((x, i) => Math.abs(x - (halves[0]![i]! + halves[1]![i]!) / 2));
  expect(Math.max(...apart)).toBeGreaterThan(1e-3 * Math.max(...sums[name]!.map(Math.abs)));
});

test('a frozen text encoder gets no gradients', async () => {
  const { config } = await loadGolden('test/fixtures/golden/micro');
  const shape = { batch: 4, micro: 2, length: 5 };
  const trained = (name: string) => !name.startsWith('text_encoder.');
  const names = Object.keys(microBatchGraphs(config, shape, { trained }).backward.gradients);
  expect(names).toEqual(Object.keys(microBatchGraphs(config, shape).backward.gradients).filter(trained));
});
