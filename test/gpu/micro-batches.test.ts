// A batch in micro-batches on the device: the gradients of the interpreter's one graph over the whole batch, running statistics
// that pass through every micro-batch, and the same bits twice.

import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { TmcaError } from '../../errors/index.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { Readback } from '../../gpu/readback.js';
import { evaluate } from '../../graph/interpreter.js';
import type { NdArray } from '../../graph/rule.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { openFittingStep } from '../../train/step/fitting-step.js';
import type { Batch } from '../../train/step/gradient-pass.js';
import { type MemoryPlan, planMemory } from '../../train/step/memory-plan.js';
import { type StepOptions, TrainingStep } from '../../train/step/step.js';
import { Validation } from '../../train/step/validation.js';
import { loadGolden } from '../golden.js';
import { BATCH, inputsOf, LENGTH, rows, sideBySide } from '../micro-batches.js';
import { testDevice } from './device.js';

/** The shares of a tensor's largest element, and of the largest gradient of all, that may differ: single precision. */
const TOLERANCE = 1e-4;
const FLOOR = 1e-6;

async function open(folder: string, options: Omit<StepOptions, 'batch' | 'length'>) {
  const { config, feed } = await loadGolden(folder);
  const gpu = await testDevice(true);
  const step = await TrainingStep.create(gpu, await loadAssembly(), config, {
    batch: BATCH,
    length: LENGTH,
    ...options,
  });
  const path = `${folder}/model.safetensors`;
  await step.arena.load(await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path)));
  const inputs = inputsOf(config);
  const batch = {
    image: Float32Array.from(inputs.image!),
    ids: Int32Array.from(inputs.ids!),
    mask: Int32Array.from(inputs.mask!),
    target: Float32Array.from(inputs.target!),
  };
  const read = async (kind: 'parameters' | 'gradients') => {
    const readback = new Readback(gpu);
    try {
      return await step.arena.read(readback, kind);
    } finally {
      readback.dispose();
    }
  };
  return { config, feed, step, batch, inputs, read };
}

test.each(['micro', 'micro-baseline'])('%s: gradients, losses and statistics', async name => {
  const { config, feed, step, batch, inputs, read } = await open(`test/fixtures/golden/${name}`, { microBatch: 2 });
  // No step in the parameters, so that the gradients can be compared; decay multiplies by the rate.
  const found = await step.run(batch, { lr: 0, scalars: { contrastiveWeight: 0.7 } });
  const parameter = (key: string) => feed.parameter!(key);
  const whole = { input: (key: string) => Float64Array.from(batch[key as 'image'] ?? inputs[key]!), parameter };
  const expected = evaluate(sideBySide(config, 2), whole) as Record<string, NdArray>;
  for (const part of ['loss', 'segmentation', 'contrastive'] as const)
    expect(Math.abs(found[part]! - expected[part]!.data[0]!), part).toBeLessThan(1e-5);
  const largest = (data: ArrayLike<number>) => Array.from(data).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const gradients = await read('gradients');
  const floor = FLOOR * Math.max(...[...gradients.keys()].map(key => largest(expected[key]!.data)));
  expect(gradients.size).toBeGreaterThan(100);
  for (const [key, { data }] of gradients) {
    const truth = expected[key]!.data;
    const error = largest(data.map((x, i) => x - truth[i]!));
    expect(error, `${key}, of ${largest(truth)}`).toBeLessThan(TOLERANCE * largest(truth) + floor);
  }
  // One micro-batch after the other, as PyTorch's accumulation leaves them.
  const { statistics } = trainingGraph(Network.of(config), 2, LENGTH);
  const running = new Map<string, ArrayLike<number>>();
  for (const k of [0, 1]) {
    const fed = {
      input: (key: string) => rows(whole.input(key), 2, k),
      parameter: (key: string) => running.get(key) ?? parameter(key),
    };
    for (const [key, { data }] of Object.entries(evaluate(statistics, fed) as Record<string, NdArray>))
      running.set(key, data);
  }
  const parameters = await read('parameters');
  expect(running.size).toBe(12);
  for (const [key, truth] of running) {
    const { data } = parameters.get(key)!;
    expect(largest(data.map((x, i) => x - truth[i]!)), key).toBeLessThan(1e-5 * Math.max(1, largest(truth)));
  }
  step.dispose();
});

test('two runs of two steps give the same bits; recomputation changes none', async () => {
  const results = [];
  for (const recompute of ['none', 'none', 'blocks'] as const) {
    const { step, batch, read } = await open('test/fixtures/golden/micro', { microBatch: 1, recompute, clip: 1 });
    const losses = [await step.run(batch, { lr: 1e-3 }), await step.run(batch, { lr: 1e-3 })];
    results.push({ losses, parameters: await read('parameters') });
    step.dispose();
  }
  const [first, ...others] = results;
  expect(first!.losses[0]!.loss).not.toBe(first!.losses[1]!.loss);
  for (const other of others) {
    expect(other.losses).toEqual(first!.losses);
    for (const [key, { data }] of first!.parameters) expect(other.parameters.get(key)!.data, key).toEqual(data);
  }
});

test('a step that fails leaves parameters and statistics as they were', async () => {
  const { step, batch, read } = await open('test/fixtures/golden/micro', { microBatch: 2 });
  const before = await read('parameters');
  const broken = { ...batch, image: batch.image.map(() => Number.NaN) };
  await expect(step.run(broken, { lr: 1e-3 })).rejects.toThrow(/the loss must be a number, got NaN/);
  const after = await read('parameters');
  for (const [key, { data }] of before) expect(after.get(key)!.data, key).toEqual(data);
  await expect(step.run({ ...batch, ids: batch.ids.subarray(1) }, { lr: 1e-3 })).rejects.toThrow(
    'TrainingStep.run: ids must have 20 numbers, got 19',
  );
  step.dispose();
});

test('a micro-batch must divide the batch', async () => {
  await expect(open('test/fixtures/golden/micro', { microBatch: 3 })).rejects.toThrow(
    'trainingPrograms: a micro-batch must divide the batch, got 3 for a batch of 4; choose a divisor',
  );
});

test.each([
  { microBatch: 4, recompute: 'none', ema: 0 },
  { microBatch: 4, recompute: 'blocks', ema: 0.9 },
  { microBatch: 2, recompute: 'cheap', ema: 0 },
] as const)('a step takes of the device what was planned: %o', async options => {
  const gpu = await testDevice(true);
  const { config } = await loadGolden('test/fixtures/golden/micro');
  const { microBatch, recompute, ema } = options;
  const { limits, tuning } = gpu;
  const asked = { batch: BATCH, length: LENGTH, microBatch, recompute, average: ema > 0, limits, tuning };
  const { bytes, dispatches } = planMemory(config, asked);
  const before = { ...gpu.bytes };
  const { step } = await open('test/fixtures/golden/micro', options);
  const taken = { weights: gpu.bytes.weights - before.weights, arena: gpu.bytes.arena - before.arena };
  expect(step.dispatches).toBe(dispatches);
  expect(step.arenaBytes).toBe(bytes.activations);
  expect(taken.arena).toBe(bytes.activations);
  const planned = bytes.parameters + bytes.average + bytes.gradients + bytes.moments + bytes.constants;
  // Constants begin at multiples of 256 bytes: nothing to a network that is worth planning for.
  expect(Math.abs(taken.weights - planned)).toBeLessThan(256 * 100);
  step.dispose();
  expect(gpu.bytes).toEqual(before);
});

test('validation takes a batch in parts of its own size, the last one smaller: the same scores', async () => {
  const { config, step, batch } = await open('test/fixtures/golden/micro', {});
  const scores = [];
  for (const size of [4, 3, 1]) {
    const validation = await Validation.create(step.arena, await loadAssembly(), config, {
      batch: size,
      length: LENGTH,
    });
    const done: number[] = [];
    scores.push(await validation.run(batches(batch), images => done.push(images)));
    expect(done).toEqual([BATCH, 2 * BATCH]);
    validation.dispose();
  }
  expect(scores[0]!.n).toBe(2 * BATCH);
  expect(scores[0]!.dice).toBeGreaterThan(0);
  for (const each of scores.slice(1)) expect(each).toEqual(scores[0]);
  step.dispose();
});

async function* batches(batch: Batch) {
  yield batch;
  yield batch;
}

describe('a device with less memory than planned', () => {
  /** Lets a device give no more than so many bytes to what is planned. */
  async function openWith(most: number) {
    const gpu = await testDevice(true);
    const { config } = await loadGolden('test/fixtures/golden/micro');
    const give = gpu.createBuffer.bind(gpu);
    const taken = () => gpu.bytes.weights + gpu.bytes.arena;
    const before = taken();
    const refuse = vi.spyOn(gpu, 'createBuffer').mockImplementation(async options => {
      if (options.kind === 'other' || taken() - before + options.size <= most) return give(options);
      throw new TmcaError('GPU_OUT_OF_MEMORY', `createBuffer ${options.label}: no more`);
    });
    const plans: MemoryPlan[] = [];
    const short: number[] = [];
    const trained = new Map([...Network.of(config).parameters.keys()].map(name => [name, 1]));
    const sizes = { batch: BATCH, length: LENGTH };
    const wishes = { microBatch: 0, recompute: 'auto', trained, validation: false } as const;
    const tell = {
      onPlan: (plan: MemoryPlan) => plans.push(plan),
      onShort: (_: MemoryPlan, to: number) => short.push(to),
    };
    try {
      const opened = await openFittingStep(gpu, await loadAssembly(), config, sizes, { ...wishes, ...tell });
      opened.step.dispose();
      return { plans, short, left: taken() - before };
    } catch (error) {
      return { plans, short, left: taken() - before, error: error as TmcaError };
    } finally {
      refuse.mockRestore();
    }
  }

  test('is given a smaller plan, and one that is carried out', async () => {
    const { plans } = await openWith(Number.POSITIVE_INFINITY);
    expect(plans.map(({ recompute }) => recompute)).toEqual(['none']);
    const [{ bytes }] = plans as [MemoryPlan];
    const less = await openWith(bytes.total - bytes.activations / 3);
    expect(less.error).toBeUndefined();
    expect(less.short.length).toBeGreaterThan(0);
    expect(less.plans.at(-1)!.bytes.total).toBeLessThanOrEqual(less.short.at(-1)!);
    expect(less.plans.at(-1)!.recompute).not.toBe('none');
    expect(less.left).toBe(0);
  });

  test('or refused with the figures, and the reason behind them', async () => {
    const { error, left } = await openWith(50_000);
    expect(error).toMatchObject({ code: 'GPU_LIMIT', cause: { code: 'GPU_OUT_OF_MEMORY' } });
    expect(error!.message).toMatch(/^planMemory: a step of batch 4 must fit .* at the least/);
    expect(left).toBe(0);
  });
});
