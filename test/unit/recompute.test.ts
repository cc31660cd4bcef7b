// What the backward pass computes again must be the same numbers in less memory.

import { describe, expect, test } from 'vitest';
import { inputsOf, isOp, type Outputs, topological } from '../../graph/graph.js';
import { evaluate } from '../../graph/interpreter.js';
import { lower } from '../../graph/lower.js';
import { parametersAsInputs } from '../../graph/passes/parameters-as-inputs.js';
import type { Recompute } from '../../graph/passes/recompute.js';
import type { NdArray } from '../../graph/rule.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { type TrainingGraph, trainingGraph } from '../../networks/training.js';
import { placeProgram } from '../../runtime/engines/webgpu/plan.js';
import { loadGolden } from '../golden.js';

const LEVELS = ['cheap', 'blocks'] as const satisfies readonly Recompute[];
const limits = { maxBufferSize: 2 ** 40, maxStorageBufferBindingSize: 2 ** 40, minStorageBufferOffsetAlignment: 256 };

const all = ({ losses, statistics, gradients }: TrainingGraph): Outputs => ({
  ...losses,
  ...statistics,
  ...Object.fromEntries(Object.entries(gradients).map(([name, t]) => [`gradient:${name}`, t])),
});

/** Least bytes of the activations, gradients not counted: they lie elsewhere. */
function liveBytes(graph: TrainingGraph): number {
  const program = lower(parametersAsInputs(all(graph)), { weights: 'f32' });
  const external = new Map<number, never>();
  for (const [name, id] of Object.entries(program.inputs))
    if (name.startsWith('parameter:')) external.set(id, {} as never);
  for (const [name, { buffer }] of Object.entries(program.outputs))
    if (name.startsWith('gradient:')) external.set(buffer, {} as never);
  const rewritten = ['image', 'ids', 'mask', 'target'];
  return placeProgram(program, limits, { rewritten, external }).lowerBound;
}

describe.each(LEVELS)('%s', level => {
  test.each([false, true])('gradients have the same bits, text frozen: %s', async freeze => {
    const { config, batch, length, feed } = await loadGolden('test/fixtures/golden/micro');
    const plain = trainingGraph(Network.of(config), batch, length, { freeze });
    const again = trainingGraph(Network.of(config), batch, length, { freeze, recompute: level });
    expect(Object.keys(again.gradients)).toEqual(Object.keys(plain.gradients));
    const [expected, found] = [plain, again].map(graph => evaluate(all(graph), feed) as Record<string, NdArray>);
    for (const [name, { data }] of Object.entries(expected!)) expect(found![name]!.data, name).toEqual(data);
  });

  test('the backward pass reads nothing of the forward pass that was to be made again', async () => {
    const { config, batch, length } = await loadGolden('test/fixtures/golden/micro');
    const plain = trainingGraph(Network.of(config), batch, length);
    const again = trainingGraph(Network.of(config), batch, length, { recompute: level });
    const forward = (graph: TrainingGraph) =>
      new Set(topological(Object.values({ ...graph.losses, ...graph.statistics })));
    const read = (graph: TrainingGraph) => {
      const known = forward(graph);
      const backward = topological(Object.values(graph.gradients)).filter(t => !known.has(t));
      return new Set(backward.flatMap(t => inputsOf(t).filter(x => isOp(x) && known.has(x))));
    };
    expect(read(again).size).toBeLessThan(0.75 * read(plain).size);
    if (level === 'blocks') expect([...read(again)].filter(t => isOp(t) && t.op === 'attention')).toEqual([]);
  });

  test('nothing is copied twice', async () => {
    const { config, batch, length } = await loadGolden('test/fixtures/golden/micro');
    const plain = trainingGraph(Network.of(config), batch, length);
    const again = trainingGraph(Network.of(config), batch, length, { recompute: level });
    const count = (outputs: Outputs) => topological(Object.values(outputs)).filter(isOp).length;
    const copies = count(all(again)) - count(all(plain));
    expect(copies).toBeGreaterThan(50);
    expect(copies).toBeLessThan(count({ ...plain.losses, ...plain.statistics }));
  });
});

test('memory of the activations of the full network, batch 8: cheap saves two fifths, blocks three quarters', () => {
  const bytes = (recompute: Recompute) =>
    liveBytes(trainingGraph(Network.of(parseConfig({}, 'default')), 8, 32, { freeze: true, recompute }));
  const whole = bytes('none');
  expect(bytes('cheap')).toBeLessThan(0.6 * whole);
  expect(bytes('blocks')).toBeLessThan(0.25 * whole);
});

test('without recomputation the graph is what it was, node for node', async () => {
  const { config, batch, length } = await loadGolden('test/fixtures/golden/micro');
  const count = (recompute?: Recompute) =>
    topological(Object.values(all(trainingGraph(Network.of(config), batch, length, recompute ? { recompute } : {}))))
      .length;
  expect(count('none')).toBe(count());
  expect(count('cheap')).toBeGreaterThan(count());
  expect(count('blocks')).toBeGreaterThan(count());
});
