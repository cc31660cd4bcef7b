// The tuner's instruments on a device: they find what is wrong, and a program is cut by what is right and fast.

import { describe, expect, test } from 'vitest';
import { GpuDevice } from '../../gpu/device.js';
import { linear } from '../../gpu/kernels/matmul/linear.js';
import { includes } from '../../gpu/kernels/shared/includes.js';
import { laneIncludes } from '../../gpu/software/lane-includes.js';
import { DeviceBench, type SizedCall } from '../../gpu/tuner/bench.js';
import { tune } from '../../gpu/tuner/tune.js';
import { hardwareTuning, type Tuning } from '../../gpu/tuning.js';
import { getGpu } from './harness.js';

const gpu = await getGpu();

/** Fails in the way of a driver that miscompiles: in some tiles, in one row. */
const miscompiled = includes['gemm-tile']!.replace(
  'finish(m, n, tiles[row + j / 4u * GROUP][j % 4u]);',
  'finish(m, n, tiles[row + j / 4u * GROUP][j % 4u] + select(0.0, 0.125, TILE_N == 8u && m == 19u));',
);

function lying(change: Record<string, string>): GpuDevice {
  expect(Object.values(change)).not.toContain(includes['gemm-tile']);
  return new GpuDevice(gpu.device, gpu.adapter, gpu.features, {
    tuning: gpu.tuning,
    includes: { ...laneIncludes, ...change },
  });
}

async function withBench<T>(device: GpuDevice, use: (bench: DeviceBench) => Promise<T>): Promise<T> {
  const before = device.bytes.other;
  const bench = new DeviceBench(device, device.tuning);
  try {
    return await use(bench);
  } finally {
    bench.dispose();
    expect(device.bytes.other, 'bytes left behind').toBe(before);
  }
}

const f16 = gpu.features.f16 ? ['f16/f16'] : [];
const lanes = gpu.tuning.lanes > 0 ? ['lanes'] : [];

describe('selfTest', () => {
  test.each([
    ...['f32/f32', 'f32/f16', 'f32/i8', ...f16].map(types => [`linear-vec4 ${types} 4096x128x64`, '32x32']),
    ['linear f32/f16 4096x128x64', '32x32'],
    ['linear-vec4 f32/f16 8x128x64', 'skinny'],
    ['linear-vec4 f32/f16 1x128x64', 'skinny'],
    ...['f32/f32', 'f32/i8', ...f16].map(types => [`conv2d-vec4 ${types} 4096x128x64`, '32x32']),
    ['conv2d f32/f32 4096x128x64', '32x32'],
    ['depthwise-vec4 f32/f16/96/7x7 64x64', '4'],
    ['depthwise f32/f32/7/3x5 64x8', '2'],
    ...(gpu.features.f16 ? [['depthwise-vec4 f16/f16/24/7x7 64x64', '2']] : []),
    ['attention-vec4 f32/48 4x1024x1024', '16'],
    ...(gpu.features.f16 ? [['attention-vec4 f16/64 4x1024x1024', '8']] : []),
    ['attention f32/7 4x1024x1024', '8'],
    ...lanes.flatMap(variant => ['linear-vec4 f32/f32 8x8x8', 'attention-vec4 f32/48 1x8x8'].map(s => [s, variant])),
  ] as [string, string][])('%s cut as %s is right', (shape, variant) =>
    withBench(gpu, async bench => expect(await bench.selfTest(shape, variant)).toBeNull()),
  );

  test('finds a tile that is wrong in one row, and not those that are right', () =>
    withBench(lying({ 'gemm-tile': miscompiled }), async bench => {
      const shape = 'linear-vec4 f32/f32 32x64x32';
      expect(await bench.selfTest(shape, '32x32')).toBeNull();
      expect(await bench.selfTest(shape, '32x64')).toMatch(
        /^computes -?[\d.]+ where -?[\d.]+ is right \(element 14(6[3-9]|[78]\d|9\d) of 2464\)$/,
      );
    }));

  test('a variant that leaves its output alone is wrong', () =>
    withBench(lying({ 'gemm-tile': includes['gemm-tile']!.replace(/^ +finish\(.*$/m, '') }), async bench =>
      expect(await bench.selfTest('conv2d-vec4 f32/f32 64x64x64', '32x32')).toMatch(/^computes NaN where /),
    ));

  test('one that does not compile is wrong, with what the compiler says', () =>
    withBench(lying({ 'gemm-tile': 'const GROUP = nothing;' }), async bench =>
      expect(await bench.selfTest('linear-vec4 f32/f32 64x64x64', '32x32')).toMatch(/^does not run: .*nothing/),
    ));

  test('a device that is gone is an error, not a verdict', async () => {
    const gone = Object.create(gpu, { check: { value: () => expect.fail('DEVICE_LOST') } }) as GpuDevice;
    const lost = new DeviceBench(gone, gpu.tuning);
    Object.defineProperty(gone, 'createBuffer', { value: () => Promise.reject(new Error('lost')) });
    await expect(lost.selfTest('linear-vec4 f32/f32 64x64x64', '32x32')).rejects.toThrow('DEVICE_LOST');
  });
});

describe('tune', () => {
  const lower = (tuning: Tuning): SizedCall[] => {
    const [m, n, k] = [20, 60, 32];
    const sized = (id: number, count: number) => ({ id, bytes: 4 * count });
    const operands = { x: sized(7, m * k), weight: sized(8, n * k), out: sized(9, m * n) };
    return [linear({ m, n, k }, operands, { act: 'f32', weight: 'f32', tuning })];
  };

  test('a variant that is wrong on this device is not chosen; the others are timed', () =>
    withBench(lying({ 'gemm-tile': miscompiled }), async bench => {
      const { choices, rejected, timed } = await tune({ tuning: hardwareTuning, lower, bench, budgetMs: 60_000 });
      expect(rejected).toEqual([
        {
          kernel: 'linear-vec4 f32/f32',
          variant: '32x64',
          reason: expect.stringMatching(/^computes .* is right \(element \d+ of 2464\)$/),
        },
      ]);
      expect(Object.keys(timed[0]!.ms)).toEqual(['skinny', '32x32']);
      for (const ms of Object.values(timed[0]!.ms)) expect(ms).toBeGreaterThan(0);
      expect(['skinny', '32x32']).toContain(choices['linear-vec4 f32/f32 32x64x32']);
    }));
});
