// What a training step takes, planned without a device: the promises for the full network, the order of the ways in which it is
// made to fit, and the words with which it is refused.

import { describe, expect, test } from 'vitest';
import { defaultConfig, parseConfig } from '../../networks/config.js';
import { PRESETS } from '../../networks/presets.js';
import { parseTrainConfig, trainedParameters } from '../../train/config.js';
import { describePlan, type MemoryRequest, planMemory, showBytes } from '../../train/step/memory-plan.js';
import { call } from './cli-fakes.js';

const GIB = 2 ** 30;

describe('the full network', () => {
  // The most tokens that a sentence may have, and what captions have.
  test.each([
    [32, 16, 512],
    [32, 16, 32],
    [8, 6, 512],
    [8, 6, 32],
  ])('batch %i plans within %i GiB with %i tokens, its text encoder frozen or trained', (batch, gibibytes, length) => {
    for (const freeze of [['text_encoder'], []]) {
      const names = trainedParameters(defaultConfig('tmca'), parseTrainConfig({ freeze }, 'test'));
      const memory = gibibytes * GIB;
      const plan = planMemory(defaultConfig('tmca'), {
        batch,
        length,
        memory,
        validation: true,
        trained: name => names.has(name),
      });
      expect(plan.bytes.total).toBeLessThanOrEqual(memory);
      expect(plan.microBatch).toBe(batch);
      expect(plan.bytes.total).toBe(Object.values(plan.bytes).reduce((sum, n) => sum + n, 0) - plan.bytes.total);
      // 150.9 M parameters of four bytes.
      expect(plan.bytes.parameters / (4 * 150.9e6)).toBeCloseTo(1, 1);
      expect(plan.bytes.moments).toBe(2 * plan.bytes.gradients);
      expect(plan.bytes.gradients < plan.bytes.parameters / 3).toBe(freeze.length > 0);
      if (length === 32) expect(plan.recompute).toBe('none');
    }
  });

  test('on WebGPU’s default limits its parameters fit no buffer, and the refusal says so', () => {
    const limits = {
      maxBufferSize: 2 ** 28,
      maxStorageBufferBindingSize: 2 ** 27,
      minStorageBufferOffsetAlignment: 256,
      maxComputeWorkgroupsPerDimension: 65_535,
    };
    expect(() => planMemory(defaultConfig('tmca'), { batch: 1, length: 16, limits, recompute: 'none' })).toThrow(
      /^planMemory: a step of batch 1 must fit the device's limits, got a buffer may have 256.0 MiB on this device, the parameters have 5\d\d.\d MiB; use/,
    );
  });

  test('where a binding is too small for a tensor of the whole batch, a micro-batch makes it fit', () => {
    const limits = {
      maxBufferSize: 2 ** 31,
      maxStorageBufferBindingSize: 2 ** 27,
      minStorageBufferOffsetAlignment: 256,
      maxComputeWorkgroupsPerDimension: 65_535,
    };
    const plan = planMemory(defaultConfig('tmca'), { batch: 32, length: 32, limits });
    expect(plan.microBatch).toBe(16);
    expect(plan.largestTensor).toBeLessThanOrEqual(2 ** 27);
    // 32 maps of 56 x 56 x 384
    expect(plan.missed[0]).toEqual({
      ...{ microBatch: 32, recompute: 'none', total: null },
      why: 'a tensor may have 128.0 MiB on this device, the largest has 147.0 MiB',
    });
  });
});

describe('ways to fit', () => {
  const nano = parseConfig(PRESETS.nano.model, 'nano');
  const ask = (more: Partial<MemoryRequest> = {}) => planMemory(nano, { batch: 8, length: 16, ...more });
  const total = (more: Partial<MemoryRequest>) => ask(more).bytes.total;

  test('nothing recomputed, then the cheap, then blocks, then ever smaller micro-batches', () => {
    const sizes = (['none', 'cheap', 'blocks'] as const).map(recompute => total({ microBatch: 8, recompute }));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const ways = sizes.map(memory => ask({ memory }));
    expect(ways.map(({ microBatch, recompute }) => [microBatch, recompute])).toEqual([
      [8, 'none'],
      [8, 'cheap'],
      [8, 'blocks'],
    ]);
    const below = ask({ memory: sizes[2]! - 1 });
    expect(below.microBatch).toBeLessThan(8);
    expect(below.bytes.total).toBeLessThan(sizes[2]!);
    // The largest that fits: the next larger one does not, whatever is recomputed.
    expect(() => ask({ memory: sizes[2]! - 1, microBatch: below.microBatch * 2 })).toThrow(/must fit/);
    expect(below.missed.map(({ microBatch }) => microBatch)).toContain(8);
  });

  test('without a limit: the whole batch, nothing recomputed', () => {
    expect(ask()).toMatchObject({ microBatch: 8, recompute: 'none', memory: null, missed: [] });
  });

  test('micro-batches take more dispatches and less memory; what is asked for is taken', () => {
    const [whole, halves] = [ask(), ask({ microBatch: 4 })];
    expect(halves.dispatches).toBeGreaterThan(2 * whole.dispatches);
    expect(halves.bytes.activations).toBeLessThan(0.75 * whole.bytes.activations);
    expect(halves.bytes.parameters).toBe(whole.bytes.parameters);
    expect(ask({ average: true }).bytes.total - whole.bytes.total).toBe(whole.bytes.parameters);
    const validated = ask({ validation: true, microBatch: 4 });
    expect(validated.bytes.validation).toBeGreaterThan(100_000);
    expect(validated.bytes.total - validated.bytes.validation).toBe(halves.bytes.total);
    expect(() => ask({ microBatch: 3 })).toThrow('a micro-batch must divide the batch, got 3 for a batch of 8');
  });

  test('what fits nowhere is refused with the figures of the smallest way', () => {
    expect(() => ask({ memory: 60 * 2 ** 20 })).toThrow(
      /^planMemory: a step of batch 8 must fit 60\.0 MiB, got \d+\.\d MiB at the least \(8 micro-batches of 1, blocks recomputed: parameters 19\.\d MiB, gradients 19\.\d MiB, moments 39\.\d MiB, activations [\d.]+ [KM]iB, constants [\d.]+ [KM]iB\); use a smaller batch/,
    );
  });

  test('in words', () => {
    const lines = describePlan(ask({ memory: GIB })).split('\n');
    expect(lines[0]).toBe('batch 8, sentences of 16 tokens: the whole batch at once, nothing recomputed');
    expect(lines.at(-2)).toMatch(/^ {2}total +\d+\.\d MiB of 1\.00 GiB$/);
    expect(lines.at(-1)).toMatch(/^ {2}\d+ dispatches, the largest tensor \d+\.\d MiB$/);
    expect([1000, 900 * 2 ** 20, 16.1 * GIB].map(showBytes)).toEqual(['1.0 KiB', '900.0 MiB', '16.10 GiB']);
  });
});

describe('tmca inspect plan --train', () => {
  test('of a preset, as JSON', async () => {
    const argv = [
      'inspect',
      'plan',
      'full',
      '--train',
      '--batch',
      '32',
      '--memory',
      '16',
      '--text-length',
      '32',
      '--json',
    ];
    const { code, json, stderr } = await call(argv);
    expect([code, stderr]).toEqual([0, '']);
    expect(json).toMatchObject({ batch: 32, microBatch: 32, recompute: 'none', length: 32, memory: 16 * GIB });
    expect((json as { bytes: { total: number } }).bytes.total).toBeLessThan(16 * GIB);
  });

  test('of a model folder, in words; --batch alone means a training step', async () => {
    const { code, stdout } = await call(['inspect', 'plan', 'models/nano', '--batch', '4', '--train-text']);
    expect(code).toBe(0);
    expect(stdout).toContain('batch 4, sentences of 24 tokens: the whole batch at once, nothing recomputed');
    expect(stdout).toMatch(/\n {2}gradients +1\d\.\d MiB\n/);
  });

  test.each([
    [['--memory', '0'], 2, 'It must be a size such as 16 (GiB), 900MiB or 16GB'],
    [['--memory', '30MiB', '--batch', '8'], 1, 'error [GPU_LIMIT]: planMemory: a step of batch 8 must fit 30.0 MiB'],
    [['--text-length', '25'], 1, 'inspect plan: a text may have 24 tokens, got --text-length 25; lower it'],
    [['--batch', '8', '--micro-batch', '3'], 1, 'a micro-batch must divide the batch, got 3 for a batch of 8'],
  ])('%s is refused', async (more, status, text) => {
    const { code, stderr } = await call(['inspect', 'plan', 'models/nano', ...more]);
    expect([code, stderr]).toEqual([status, expect.stringContaining(text)]);
  });
});
