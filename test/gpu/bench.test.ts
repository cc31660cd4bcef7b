// The benchmark on a device: the contract's JSON from a tiny network, and an adapter's measured rates.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { timeCalls, wallClock } from '../../devices/clock.js';
import type { BenchResult } from '../../devices/node/bench.js';
import type { BenchTrainResult } from '../../devices/node/bench-train.js';
import type { FlatResult } from '../../devices/node/flat-bench.js';
import type { PassBench } from '../../devices/node/pass-bench.js';
import { measureRoofline } from '../../devices/roofline.js';
import { multiplyAdd, THREADS } from '../../devices/roofline-calls.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { passNames } from '../../graph/passes/index.js';
import { parseConfig } from '../../networks/config.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { planFigures } from '../../runtime/engines/plan-figures.js';
import { call } from '../unit/cli-fakes.js';
import { testDevice } from './device.js';

// Kernels compiled by the tests before stay compiled: what a cold start costs is the benchmark's to tell, not a test's.
process.env.MESA_SHADER_CACHE_DISABLE = 'false';

const folder = mkdtempSync(join(tmpdir(), 'tmca-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('tmca bench', () => {
  const micro = 'test/fixtures/golden/micro';

  test('a folder: everything that the contract names, in order and in proportion', async () => {
    const out = join(folder, 'bench.json');
    const argv = ['bench', '--model', micro, '--device', 'webgpu', '--dtype', 'fp32', '--frames', '6', '--no-assembly'];
    const { code, json, stderr } = await call([...argv, '--json', '--out', out]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(json);
    const result = json as BenchResult;
    const { ours } = result;
    expect(result).toMatchObject({
      device: 'webgpu',
      model: 'tmca',
      dtype: 'fp32',
      peer: null,
      ratio: null,
      agreement: null,
    });
    expect(result.adapter.features.length).toBeGreaterThan(0);
    expect([ours.frame.n, ours.text.n]).toEqual([6, 5]);
    for (const { p50, p95, p99 } of [ours.frame, ours.text]) {
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
    }
    const { load, compile, first_text, first_frame, total } = ours.cold;
    expect(total).toBeGreaterThanOrEqual(Math.max(load!, compile!) + first_text + first_frame);
    expect(ours.gpu_bytes.weights).toBeGreaterThan(100_000);
    const clock = ours.kernel_clock!;
    for (const [rows, { ms, runs }, dispatches] of [
      [ours.kernels, clock.frame, ours.dispatches],
      [ours.text_kernels, clock.text, ours.text_dispatches],
    ] as const) {
      expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(dispatches);
      expect(rows.reduce((sum, row) => sum + row.share, 0)).toBeCloseTo(1, 6);
      expect(rows.reduce((sum, row) => sum + row.ms, 0)).toBeCloseTo(ms, 6);
      expect(runs).toBe(5);
      for (const { roofline, bound, gflops } of rows.filter(row => row.ms > 0)) {
        expect(roofline).toBeGreaterThan(0);
        expect(['arithmetic', 'memory']).toContain(bound);
        expect(gflops).toBeGreaterThanOrEqual(0);
      }
    }
    const { inputs, outputs, arena, arena_lower_bound } = ours.planned_bytes!;
    expect(outputs).toBe(4 * 32 * 32);
    expect(inputs).toBeGreaterThan(4 * 3 * 32 * 32);
    expect(arena).toBeGreaterThanOrEqual(arena_lower_bound);
    expect(arena_lower_bound).toBeGreaterThan(inputs);
    expect(ours.gpu_bytes.arena).toBeGreaterThanOrEqual(arena);
    expect(result.command).toMatch(/^tmca/);
    expect(new Date(result.date).toISOString()).toBe(result.date);
  });

  test('--passes: each rewrite left out gives the same logits, and is in the table', async () => {
    const argv = ['bench', '--fill', micro, '--passes', '--dtype', 'fp32', '--frames', '5', '--json'];
    const { code, json, stderr } = await call(argv);
    expect(code, stderr).toBe(0);
    const { passes, command } = json as PassBench & { command: string };
    expect(passes.map(({ without }) => without)).toEqual([null, ...passNames, 'report']);
    for (const { without, frame, text, agreement, ratio } of passes) {
      expect([frame.n, text.n]).toEqual([5, 5]);
      expect(agreement.max_abs, `${without}`).toBeLessThan(2e-5);
      expect(ratio.frame, `${without}`).toBeGreaterThan(0);
    }
    // all are other networks: one that ran twice would give the very same numbers
    const differing = passes.filter(({ agreement }) => agreement.max_abs > 0).map(({ without }) => without);
    expect(differing).toEqual(
      expect.arrayContaining(['positions', 'batch-norm', 'layer-scale', 'norm-affine', 'head']),
    );
    expect(command).toMatch(/^tmca/);
  });

  test('--flat: nothing is made on the device after the first frame, and no more than was planned before', async () => {
    const argv = ['bench', '--fill', micro, '--flat', '--device', 'webgpu', '--dtype', 'fp32', '--frames', '50'];
    const { code, json, stderr } = await call([...argv, '--json']);
    expect(code, stderr).toBe(0);
    const { frames, buffers_created, gpu_growth, samples } = json as FlatResult;
    // what is planned without a device is what the device holds
    const config = parseConfig(JSON.parse(readFileSync(join(micro, 'config.json'), 'utf8')), micro);
    const { tuning } = await testDevice(true);
    const { weights, arena, other } = planFigures(config, choosePrecision('fp32', 'fp32', true), {
      tuning,
    }).deviceBytes;
    expect(samples[0]!.gpu).toBe(weights + arena + other);
    expect([frames, buffers_created, gpu_growth]).toEqual([50, 0, 0]);
    expect(samples.map(({ frame }) => frame)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(Math.min(...samples.map(({ gpu }) => gpu!))).toBeGreaterThan(100_000);
    expect(Math.min(...samples.map(({ rss }) => rss))).toBeGreaterThan(10e6);
  });

  test('--fill: a network without a file', async () => {
    const argv = ['bench', '--fill', micro, '--device', 'webgpu', '--frames', '5', '--no-assembly'];
    const { code, stdout, stderr } = await call(argv);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^tmca, fp32, 32 x 32, 16 tokens, on /);
    expect(stdout).toContain('\nframe, median ');
  });
});

/** The second of three calls takes far longer than either other. */
const inOrder = ([first, second, third]: readonly number[]) => second! > 3 * Math.max(first!, third!);

describe('each call`s time', () => {
  test.each(['timestamp-query', 'wall'] as const)(
    'by %s: more work takes longer, in the order of the calls',
    async clock => {
      const gpu = await testDevice(true);
      if (clock === 'timestamp-query' && !gpu.features.timestamps) return expect(gpu.features.timestamps).toBe(false);
      const before = { ...gpu.bytes };
      const usage = GPUBufferUsage.STORAGE;
      const buffer = await gpu.createBuffer({ label: 'sums', size: 16 * THREADS, usage, kind: 'other' });
      const out = { buffer, offset: 0, size: 16 * THREADS };
      const calls = [1, 1024, 2].map(rounds => multiplyAdd(rounds, 'f32', out));
      const stopwatch = clock === 'wall' ? wallClock : undefined;
      const pipelines = new PipelineCache(gpu);
      const time = () => timeCalls(pipelines, calls, { stopwatch, runs: 3 });
      const { clock: own, runs, ms } = await time();
      expect([own, runs, ms.length]).toEqual([clock, 3, 3]);
      // again where other work of the machine came between: times that are in another order never are in this one
      await expect.poll(async () => inOrder((await time()).ms)).toBe(true);
      gpu.destroyBuffer(buffer);
      expect(gpu.bytes).toEqual(before);
    },
  );
});

test('tmca bench train: a step alone, in order and in proportion', async () => {
  const out = join(folder, 'train.json');
  const argv = [
    'bench',
    'train',
    '--fill',
    'test/fixtures/golden/micro',
    '--batch',
    '3',
    '--steps',
    '4',
    '--seconds',
    '0',
  ];
  const { code, json, stderr } = await call([...argv, '--json', '--out', out]);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(json);
  const { ours, step, inputs, ...rest } = json as BenchTrainResult;
  expect(rest).toMatchObject({ model: 'tmca', peer: null, ratio: null, agreement: null });
  expect(inputs).toEqual({ image_size: 32, tokens: 16, batch: 3 });
  // time was over after the third
  expect([ours.step.n, ours.losses.length]).toEqual([3, 4]);
  // they go down, since the batch stays the same: the steps were taken
  expect(ours.losses).toEqual([...ours.losses].sort((a, b) => b - a));
  expect(new Set(ours.losses).size).toBe(4);
  expect(step.gflop).toBeGreaterThan(0.001);
  expect(ours.images_per_second).toBeCloseTo(3000 / ours.step.p50, 6);
  expect(ours.gflops).toBeCloseTo((1000 * step.gflop) / ours.step.p50, 6);
  expect(ours.roofline).toBeGreaterThan(0);
  expect(ours.cpu).toBeGreaterThan(0);
  // four arenas of the parameters, and constants
  expect(ours.gpu_bytes.weights).toBeGreaterThan(4 * 4 * step.parameters);
  const calls = ours.kernels.reduce((sum, { count }) => sum + count, 0);
  expect([0, ours.dispatches]).toContain(calls);
  // clipping and the optimiser are part of it
  if (calls > 0)
    expect(ours.kernels.map(({ name }) => name)).toEqual(expect.arrayContaining(['adamw-vec4', 'sum-of-squares']));
});

test('an adapter`s rates are measured, and nothing is left on the device', async () => {
  const gpu = await testDevice(true);
  const before = { ...gpu.bytes };
  const { gflops, gflops_f16, gbytes } = await measureRoofline(gpu);
  // above: a thousand times more than the fastest device at hand; below there is no limit, for other work may take the machine
  expect(gflops).toBeGreaterThan(0);
  expect(gflops).toBeLessThan(1e6);
  expect(gbytes).toBeGreaterThan(0);
  expect(gbytes).toBeLessThan(1e5);
  expect(gflops_f16 === null).toBe(!gpu.features.f16);
  expect(gpu.bytes).toEqual(before);
});
