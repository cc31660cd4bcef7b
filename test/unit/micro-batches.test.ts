// Micro-batches add up to the whole batch: held against one graph in which they stand side by side, each with BatchNorm's
// statistics of its own, and the contrastive loss goes over all of them.

import { describe, expect, test } from 'vitest';
import { evaluate } from '../../graph/interpreter.js';
import { parameterInput } from '../../graph/passes/parameters-as-inputs.js';
import type { NdArray } from '../../graph/rule.js';
import { featureName, type MicroBatchGraphs, microBatchGraphs } from '../../networks/micro-batches.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { loadGolden } from '../golden.js';
import { BATCH, inputsOf, LENGTH, rows, sideBySide } from '../micro-batches.js';

/** The share of a tensor's largest element that may differ. Double precision on both sides, sums in another order. */
const ROUNDING = 1e-11;

type Values = Readonly<Record<string, NdArray<Float64Array>>>;
type Inputs = Readonly<Record<string, Float64Array>>;

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
  test('losses and gradients are those of one graph over the whole batch', async () => {
    const { config, feed } = await loadGolden(`test/fixtures/golden/${name}`);
    const parameter = (key: string) => feed.parameter!(key);
    const inputs = inputsOf(config);
    const graphs = microBatchGraphs(Network.of(config), { batch: BATCH, micro, length: LENGTH });
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
    const graphs = microBatchGraphs(Network.of(config), { batch: BATCH, micro: BATCH, length: LENGTH }, { recompute });
    const { sums } = inMicroBatches(graphs, BATCH, inputs, parameter);
    const plain = trainingGraph(Network.of(config), BATCH, LENGTH, { weightsAsInputs: true });
    const feedAll = { input: (key: string) => inputs[key]!, parameter };
    const expected = evaluate({ ...plain.losses, ...plain.gradients }, feedAll) as Values;
    expectEqual(sums, expected, Object.keys(plain.gradients));
  },
);

test('what contrasts sees the whole batch: without it, two halves give another gradient', async () => {
  const { config, feed } = await loadGolden('test/fixtures/golden/micro-contrast');
  const parameter = (key: string) => feed.parameter!(key);
  const inputs = inputsOf(config);
  const graphs = microBatchGraphs(Network.of(config), { batch: BATCH, micro: 2, length: LENGTH });
  const { sums } = inMicroBatches(graphs, 2, inputs, parameter);
  // Plain accumulation: each half contrasted by itself.
  const plain = trainingGraph(Network.of(config), 2, LENGTH, { weightsAsInputs: true });
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
  const names = Object.keys(microBatchGraphs(Network.of(config), shape, { trained }).backward.gradients);
  expect(names).toEqual(Object.keys(microBatchGraphs(Network.of(config), shape).backward.gradients).filter(trained));
});
