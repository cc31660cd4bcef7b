// The tuner's decisions, with instruments that say what the test says; and what it keeps.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { attention } from '../../gpu/kernels/attention/attention.js';
import { depthwise } from '../../gpu/kernels/convolution/depthwise.js';
import { linear } from '../../gpu/kernels/matmul/linear.js';
import { linearDots } from '../../gpu/kernels/matmul/linear-dots.js';
import type { SizedCall, SizedOperand, TunerBench } from '../../gpu/tuner/bench.js';
import { type TuneOptions, tune } from '../../gpu/tuner/tune.js';
import { isVariant, parseShape, variantsOf } from '../../gpu/tuner/variants.js';
import { hardwareTuning, type Tuning } from '../../gpu/tuning.js';
import { cacheFolder, tuningFiles } from '../../node/disk/tuning-store.js';
import { cacheName, readTuning, tuningKey, writeTuning } from '../../runtime/engines/webgpu/tuning-cache.js';

const codeOf = (failing: Promise<unknown>): Promise<string> =>
  failing.then(
    () => 'nothing',
    (error: { code: string }) => error.code,
  );

const fp32 = { act: 'f32', weight: 'f32' } as const;
const operand = (id: number): SizedOperand => ({ id, bytes: 64 });
const product = (m: number, n: number, k: number) => (tuning: Tuning) =>
  linear({ m, n, k }, { x: operand(0), weight: operand(1), out: operand(2) }, { ...fp32, tuning });

const BIG = product(4000, 500, 256);
const SMALL = product(200, 100, 256);
const big = BIG(hardwareTuning).cut!.shape;
const small = SMALL(hardwareTuning).cut!.shape;
/** Two sizes of one class, which share a choice. */
const program = (tuning: Tuning): SizedCall[] => [SMALL, BIG, product(3000, 500, 256)].map(call => call(tuning));

interface Instruments {
  readonly wrong?: readonly string[];
  /** Milliseconds by variant; 1 if not given. */
  readonly ms?: Readonly<Record<string, number>>;
}

/** Says what is given, and writes down what it was asked. */
function fakeBench({ wrong = [], ms = {} }: Instruments): TunerBench & { tested: string[]; timed: string[][] } {
  const [tested, timed]: [string[], string[][]] = [[], []];
  return {
    ...{ tested, timed },
    async selfTest(shape, variant) {
      tested.push(`${shape.split(' ')[0]} ${variant}`);
      return wrong.includes(variant) ? 'computes 7 where 3 is right (element 0 of 1)' : null;
    },
    async time(candidates) {
      const variants = candidates.map(([call]) => call!.cut!.variant);
      timed.push(variants);
      return variants.map(variant => ms[variant] ?? 1);
    },
  };
}

const run = (bench: TunerBench, options: Partial<TuneOptions> = {}) =>
  tune({ tuning: hardwareTuning, lower: program, bench, budgetMs: 1e9, ...options });

describe('tune', () => {
  test('takes the fastest of each class, the class with the most work first', async () => {
    const bench = fakeBench({ ms: { '128x64': 0.5, '32x64': 0.9 } });
    const { choices, timed, rejected, left } = await run(bench);
    expect(choices).toEqual({ [big]: '128x64', [small]: '128x64' });
    expect(timed.map(({ shape }) => shape)).toEqual([big, small]);
    expect(timed[0]!.ms).toEqual({ '64x64': 1, '32x32': 1, '32x64': 0.9, '64x32': 1, '128x64': 0.5 });
    expect([rejected, left]).toEqual([[], 0]);
    expect(program({ ...hardwareTuning, choices }).map(call => call.cut!.variant)).toEqual(Array(3).fill('128x64'));
  });

  test("stays with the profile's variant where another is no more than noise faster", async () => {
    const { choices } = await run(fakeBench({ ms: { '32x64': 0.98 } }));
    expect(choices[big]).toBe('64x64');
  });

  test('never takes a variant that computes wrong, however fast, and names it', async () => {
    const bench = fakeBench({ wrong: ['128x64'], ms: { '128x64': 0.1, '32x64': 0.7 } });
    const { choices, rejected } = await run(bench);
    expect(choices).toEqual({ [big]: '32x64', [small]: '32x64' });
    expect(bench.timed.flat()).not.toContain('128x64');
    expect(rejected).toEqual([
      { kernel: 'linear-vec4 f32/f32', variant: '128x64', reason: 'computes 7 where 3 is right (element 0 of 1)' },
    ]);
    expect(
      bench.tested.filter(test => test.endsWith('128x64')),
      'tested once for both classes',
    ).toHaveLength(1);
  });

  test("replaces the profile's own variant where that is the one that is wrong", async () => {
    const { choices } = await run(fakeBench({ wrong: ['64x64', '32x32'] }));
    expect(choices[big]).not.toBe('64x64');
    expect(choices[small]).not.toBe('32x32');
  });

  test('refuses a device on which no variant is right, with what each got wrong', async () => {
    const all = ['32x32', '32x64', '64x32', '64x64', '128x64'];
    const failed = run(fakeBench({ wrong: all }));
    expect(await codeOf(failed)).toBe('GPU_FAILED');
    await expect(failed).rejects.toThrow(
      /^tune: one variant of linear-vec4 f32\/f32 4096x512x256 must compute right on this device, got .*128x64 computes 7 where 3 is right .*; update the graphics driver, or run on wasm$/,
    );
  });

  test('asks nothing of a class that is known, and keeps what is known', async () => {
    const bench = fakeBench({});
    const { choices, timed } = await run(bench, { known: { [big]: '32x32' } });
    expect(choices[big]).toBe('32x32');
    expect(timed.map(({ shape }) => shape)).toEqual([small]);
  });

  test('does not test again what was rejected before', async () => {
    const bench = fakeBench({ ms: { '128x64': 0.1 } });
    const rejected = [{ kernel: 'linear-vec4 f32/f32', variant: '128x64', reason: 'before' }];
    const result = await run(bench, { rejected });
    expect(bench.tested).not.toContain('linear-vec4 128x64');
    expect([result.choices[big], result.rejected]).toEqual(['64x64', rejected]);
  });

  test('begins no class when the time is over; a variant known to be wrong is avoided all the same', async () => {
    let clock = 0;
    const now = () => {
      clock += 6;
      return clock;
    };
    const bench = fakeBench({ wrong: ['32x32'] });
    const { choices, left, ms } = await run(bench, { budgetMs: 5, now });
    expect(bench.timed).toHaveLength(1);
    expect([left, ms]).toEqual([1, 12]);
    // 32x32 is what the profile would give the small class, and it was tested with the big one.
    expect(SMALL({ ...hardwareTuning, choices }).cut!.variant).not.toBe('32x32');
  });

  test('stops at its signal', async () => {
    const stop = new AbortController();
    const bench = fakeBench({});
    const time: TunerBench['time'] = candidates => {
      stop.abort();
      return bench.time(candidates);
    };
    const failed = run({ ...bench, time }, { signal: stop.signal });
    expect(await codeOf(failed)).toBe('ABORTED');
  });

  test('reports progress in classes', async () => {
    const onProgress = vi.fn();
    await run(fakeBench({}), { onProgress });
    expect(onProgress.mock.calls).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ]);
  });
});

describe('variants', () => {
  const headOf = (headDim: number) =>
    attention({ batch: 1, queries: 100, keys: 50, heads: 2, headDim }, { q: 0, k: 1, v: 2, out: 3 }, { act: 'f32' });
  const mapOf = (channels: number, width: number) =>
    depthwise(
      { batch: 1, height: 7, width, channels, kernelHeight: 7, kernelWidth: 7 },
      { x: 0, weight: 1, out: 2 },
      { act: 'f32', weight: 'f32' },
    );

  test.each([
    ['tiles no wider than the outputs', 'linear f32/f32 64x32x128', ['32x32', '64x32']],
    ['shared along k for few rows', 'linear-vec4 f32/f32 32x32x128', ['32x32', 'skinny']],
    ['convolutions', 'conv2d-vec4 f16/i8 4096x16x512', ['32x32', '64x32']],
    ['queries whose outputs fit', headOf(200).cut!.shape, ['8', '16']],
    ['runs no longer than a row', mapOf(96, 7).cut!.shape, ['1', '2', '4', '8']],
    ['runs that fit with many channels', mapOf(1024, 56).cut!.shape, ['1', '2', '4', '8', '16']],
    ['runs that fit with very many', mapOf(8192, 56).cut!.shape, ['1', '2']],
    ['no kernel that is cut by the device', 'softmax f32 64', []],
    ['no class at all', 'linear', []],
  ])('%s', (_, shape, expected) => {
    expect(variantsOf(shape, { lanes: 0 })).toEqual(expected);
    for (const variant of expected) expect(isVariant(shape, variant, { lanes: 0 })).toBe(true);
  });

  test('lanes only where the device has them', () => {
    expect(variantsOf(big, { lanes: 8 })[0]).toBe('lanes');
    expect(isVariant(big, 'lanes', { lanes: 0 })).toBe(false);
    expect(isVariant(big, '7x7', { lanes: 8 })).toBe(false);
  });

  test('products of whole numbers only where the model may use them, and for int8 weights', () => {
    const able = { lanes: 0, dots: linearDots } as const;
    const whole = 'linear-vec4 f16/i8 64x64x64';
    expect(variantsOf(whole, able)).toEqual(['32x32', '32x64', '64x32', '64x64', 'skinny', 'dots32', 'dots64']);
    expect(variantsOf(whole, { lanes: 0 })).not.toContain('dots32');
    expect(isVariant(whole, 'dots32', { lanes: 0 })).toBe(false);
    for (const other of ['linear-vec4 f16/f16 64x64x64', 'linear f16/i8 64x64x64', 'conv2d-vec4 f16/i8 64x64x64'])
      expect(variantsOf(other, able)).not.toContain('dots32');
  });

  test('a class is read back from its name', () => {
    expect(parseShape(big)).toEqual({ kernel: 'linear-vec4', traits: ['f32', 'f32'], sizes: [4096, 512, 256] });
    for (const strange of ['', 'a b', 'a b c', 'a b 1x', 'a b 1 2']) expect(parseShape(strange)).toBeUndefined();
  });
});

const adapter = { vendor: 'nvidia', architecture: 'ampere', description: 'NVIDIA 550.54', software: false };
const gpu = {
  adapter: { ...adapter, features: [], limits: {} as never },
  features: { f16: true, subgroups: true, timestamps: false },
  tuning: hardwareTuning,
};

describe('what is kept', () => {
  const key = tuningKey(gpu);
  const kept = {
    choices: { [big]: '128x64', [small]: '32x32' },
    rejected: [{ kernel: 'conv2d f16/f16', variant: '32x64', reason: 'computes NaN' }],
  };
  const text = writeTuning(key, kept);

  test('comes back as it was', () => {
    expect(readTuning(text, key, hardwareTuning)).toEqual({ key, ...kept });
  });

  test('is of one adapter, driver, set of features and version of the package', () => {
    const others = [
      { ...gpu, adapter: { ...gpu.adapter, description: 'NVIDIA 555.12' } },
      { ...gpu, adapter: { ...gpu.adapter, architecture: 'turing' } },
      { ...gpu, features: { ...gpu.features, f16: false } },
      { ...gpu, tuning: { ...hardwareTuning, lanes: 8 as const } },
      { ...gpu, tuning: { ...hardwareTuning, dots: linearDots } },
    ].map(tuningKey);
    expect(new Set([key, ...others]).size).toBe(6);
    expect(new Set([key, ...others].map(cacheName)).size).toBe(6);
    expect(JSON.parse(key)[0]).toMatch(/^\d+\.\d+\.\d+/);
    expect(readTuning(text, others[0]!, hardwareTuning)).toEqual({
      problem: 'it is of another adapter, driver or version',
    });
  });

  const again = (change: (tuning: Record<string, unknown>) => void) => {
    const tuning = { ...kept };
    change(tuning);
    return writeTuning(key, tuning);
  };
  test.each([
    ['nothing', '', /^it is no JSON/],
    ['half of it', text.slice(0, text.length / 2), /^it is no JSON/],
    ['another form', '{"sha256": "", "tuning": {"key": ""}}', /^it has another form \(tuning/],
    ['a field too many', text.replace('"tuning"', '"more": 1, "tuning"'), /^it has another form/],
    ['a choice changed by hand', text.replace('128x64', '64x64'), /^its contents do not have its hash$/],
    ['a key twice', text.replace('"sha256"', '"sha256": "", "sha256"'), /^it is no JSON \(sha256/],
    [
      'a variant that no kernel has',
      again(tuning => Object.assign(tuning, { choices: { [big]: '9x9' } })),
      /^no kernel has the variant 9x9 of linear-vec4 f32\/f32 4096x512x256$/,
    ],
    [
      'lanes where there are none',
      again(tuning => Object.assign(tuning, { choices: { [big]: 'lanes' } })),
      /^no kernel has the variant lanes/,
    ],
  ])('%s is not believed', (_, bad, problem) => {
    expect((readTuning(bad, key, hardwareTuning) as { problem: string }).problem).toMatch(problem);
  });
});

describe('files of what is kept', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tmca-tuning-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('are written whole, into a folder that is made, and read back', async () => {
    const store = tuningFiles(join(folder, 'new', 'cache'));
    expect(await store.read('tuning-1.json')).toBeNull();
    await store.write('tuning-1.json', 'first');
    await store.write('tuning-1.json', 'second');
    expect(await store.read('tuning-1.json')).toBe('second');
    expect(await readdir(join(folder, 'new', 'cache'))).toEqual(['tuning-1.json']);
    expect(await readFile(join(folder, 'new', 'cache', 'tuning-1.json'), 'utf8')).toBe('second');
  });

  test('a folder that cannot be one is an error of the store', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = tuningFiles(join(folder, 'file'));
    expect(await store.read('x')).toBeNull();
    expect(await codeOf(store.write('x', ''))).toBe('OUTPUT_NOT_WRITABLE');
  });

  test.each([
    ['linux', { XDG_CACHE_HOME: '/c' }, /^\/c\/tmca-edge$/],
    ['linux', { XDG_CACHE_HOME: '' }, /\.cache\/tmca-edge$/],
    ['darwin', {}, /Library\/Caches\/tmca-edge$/],
    ['win32', { LOCALAPPDATA: 'L' }, /^L\/tmca-edge\/Cache$/],
  ] as const)('lie where %s keeps such things (%o)', (platform, env, expected) => {
    expect(cacheFolder(platform, env)).toMatch(expected);
  });
});
