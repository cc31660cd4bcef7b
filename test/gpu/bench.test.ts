// The benchmark on a device: the contract's JSON from a tiny network, and an adapter's measured rates.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { BenchResult } from '../../devices/node/bench.js';
import { measureRoofline } from '../../devices/roofline.js';
import { call } from '../null/cli-fakes.js';
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
    const calls = ours.kernels.reduce((sum, { count }) => sum + count, 0);
    expect([0, ours.dispatches]).toContain(calls);
    if (calls > 0) {
      expect(ours.kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
      expect(ours.kernels.every(({ roofline }) => roofline === null || roofline >= 0)).toBe(true);
    }
    expect(result.command).toMatch(/^tmca/);
    expect(new Date(result.date).toISOString()).toBe(result.date);
  });

  test('--fill: a network without a file', async () => {
    const argv = ['bench', '--fill', micro, '--device', 'webgpu', '--frames', '5', '--no-assembly'];
    const { code, stdout, stderr } = await call(argv);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^tmca, fp32, 32 x 32, 16 tokens, on /);
    expect(stdout).toContain('\nframe, median ');
  });
});

test('an adapter`s rates are measured, and nothing is left on the device', async () => {
  const gpu = await testDevice(true);
  const before = { ...gpu.bytes };
  const { gflops, gflops_f16, gbytes } = await measureRoofline(gpu);
  // a hundred times less than the slowest device at hand, a thousand times more than the fastest
  expect(gflops).toBeGreaterThan(0.05);
  expect(gflops).toBeLessThan(1e6);
  expect(gbytes).toBeGreaterThan(0.01);
  expect(gbytes).toBeLessThan(1e5);
  expect(gflops_f16 === null).toBe(!gpu.features.f16);
  expect(gpu.bytes).toEqual(before);
});
