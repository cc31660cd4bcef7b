// int8 products: rows as whole numbers, and the products of those. Held against the float reference on the numbers that the rows
// were rounded to, and against the bound that rounding has.

import { describe, expect, test } from 'vitest';
import { type LinearDims, linear } from '../../gpu/kernels/matmul/linear.js';
import { dotTiles, linearDots } from '../../gpu/kernels/matmul/linear-dots.js';
import { quantizeRows } from '../../gpu/kernels/matmul/quantize-rows.js';
import { DeviceBench } from '../../gpu/tuner/bench.js';
import { hardwareTuning } from '../../gpu/tuning.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, cutAs, getGpu, runKernel, runKernels, type TestBuffer } from './harness.js';
import { depthToSpace, linearReference, noise } from './reference-kernels.js';

const gpu = await getGpu();
const acts = gpu.features.f16 ? (['f32', 'f16'] as const) : (['f32'] as const);

/** Rows as the kernel rounds them: whole numbers, and a scale each. */
function rounded(x: Float32Array, k: number) {
  const rows = Array.from({ length: x.length / k }, (_, m) => x.subarray(m * k, (m + 1) * k));
  const scale = rows.map(row => Math.max(...row.map(Math.abs)) / 127);
  const q = rows.flatMap((row, m) => [...row].map(v => (scale[m] === 0 ? 0 : Math.round(v / scale[m]!))));
  return { q, scale, real: Float32Array.from(q, (v, i) => v * scale[Math.floor(i / k)]!) };
}

const bytesOf = (words: Float32Array): Int8Array => new Int8Array(words.slice().buffer);

describe.each(acts)('quantizeRows of %s', act => {
  test.each([
    [1, 4],
    [7, 36],
    [3, 16],
    [2, 1028],
  ])('%i rows of %i', async (m, k) => {
    const x = asStored(
      noise(m * k, 3).map((v, i) => v * 10 ** (Math.floor(i / k) % 3)),
      act,
    );
    const words = 4 * Math.ceil(k / 16);
    const call = quantizeRows({ m, k, x: { offset: 0, pitch: k } }, { x: 0, q: 1, scale: 2 }, act);
    const [q, scale] = await runKernel(gpu, call, [
      { data: x, storage: act },
      { length: m * words, storage: 'f32' }, // bits: four bytes each
      { length: m, storage: 'f32' },
    ]);
    const expected = rounded(x, k);
    expectClose(scale!, expected.scale, { abs: 0, rel: 1e-6 });
    const bytes = Array.from({ length: m }, (_, row) => [...bytesOf(q!.subarray(row * words, (row + 1) * words))]);
    for (const [row, got] of bytes.entries()) {
      // A number in the middle of two steps may go to either: what divides is not exact.
      for (let i = 0; i < k; i++)
        expect(Math.abs(got[i]! - x[row * k + i]! / expected.scale[row]!), `row ${row}, ${i}`).toBeLessThan(0.5001);
      expect(got.slice(k).every(v => v === 0)).toBe(true);
      expect(Math.max(...got.map(Math.abs))).toBe(127);
    }
  });
});

test('quantizeRows: a row of zeros stays zeros, and a row that is not finite has no finite scale', async () => {
  const k = 8;
  const x = new Float32Array(4 * k);
  x.fill(1, k, 2 * k);
  x[k + 3] = Number.NaN;
  x[2 * k + 7] = Number.NEGATIVE_INFINITY;
  x[3 * k] = 1e-38;
  const call = quantizeRows({ m: 4, k, x: { offset: 0, pitch: k } }, { x: 0, q: 1, scale: 2 }, 'f32');
  const [q, scale] = await runKernel(gpu, call, [
    { data: x, storage: 'f32' },
    { length: 16, storage: 'f32' },
    { length: 4, storage: 'f32' },
  ]);
  expect([...q!.subarray(0, 4), ...q!.subarray(12)]).toEqual(new Array(8).fill(0));
  expect([scale![0], Number.isFinite(scale![1]), Number.isFinite(scale![2])]).toEqual([0, false, false]);
});

test('quantizeRows refuses rows that it cannot read four at a time', () => {
  const call = (k: number, offset: number, pitch: number) => () =>
    quantizeRows({ m: 1, k, x: { offset, pitch } }, { x: 0, q: 1, scale: 2 }, 'f32');
  expect(call(6, 0, 8)).toThrow(
    'quantizeRows: k, offset and pitch must be multiples of four, got 6, 0 and 8; use linear',
  );
  for (const bad of [call(8, 2, 8), call(8, 0, 10), call(8, 0, 4)]) expect(bad).toThrow(/^quantizeRows: /);
});

interface Case {
  readonly dims: LinearDims;
  readonly everything?: boolean;
}

const cases: Case[] = [
  { dims: { m: 1, k: 4, n: 1 } },
  { dims: { m: 33, k: 36, n: 13, period: 4, activation: 'gelu' }, everything: true },
  { dims: { m: 139, k: 68, n: 77, period: 7, activation: 'gelu' }, everything: true },
  { dims: { m: 33, k: 16, n: 24, x: { offset: 8, pitch: 48 } } },
  { dims: { m: 70, k: 8, n: 28, shuffle: { height: 5, width: 7, block: 2 } } },
];

describe.each(Object.keys(dotTiles) as (keyof typeof dotTiles)[])('linearDots cut as %s', variant => {
  // The larger tile takes software long to compile, and differs in nothing but its size.
  const chosen = variant === 'dots32' ? cases : cases.filter(({ dims }) => dims.m > 64 && !dims.shuffle);
  const all = chosen.flatMap(c =>
    (c.everything && variant === 'dots32' ? acts : (['f32'] as const)).map(act => [c, act] as const),
  );
  test.each(all.map(([c, act]) => [act, JSON.stringify(c.dims), c] as const))('%s %s', async (act, _, c) => {
    const { dims, everything } = c;
    const { m, k, n, period = 1, shuffle, x: at = { offset: 0, pitch: k } } = dims;
    const x = asStored(noise(at.offset + m * at.pitch, 1), act);
    const rows = Float32Array.from({ length: m * k }, (_, i) => x[at.offset + Math.floor(i / k) * at.pitch + (i % k)]!);
    const w = Int8Array.from(noise(n * k, 2, 127), Math.round);
    const scale = noise(n, 5).map(v => (0.5 + Math.abs(v)) / (127 * Math.sqrt(k)));
    const real = Float32Array.from(w, (v, i) => v * scale[Math.floor(i / k)]!);
    const epilogue = everything
      ? { bias: noise(n, 3), rows: noise(period * n, 4), residual: asStored(noise(m * n, 6), act) }
      : {};
    const storage = { act, weight: 'i8' } as const;
    const operands = {
      ...{ x: 0, weight: 1, scale: 2, out: 3, bias: everything ? 4 : null },
      ...{ rows: everything ? 5 : null, residual: everything ? 6 : null },
    };
    const sizes: number[] = [];
    const temporary = (bytes: number) => 6 + sizes.push(bytes);
    const calls = linearDots(
      dims,
      operands,
      { ...storage, tuning: choosing(dims, operands, storage, variant) },
      temporary,
    );
    expect(calls!.map(({ shader, cut }) => [shader.name, cut!.variant])).toEqual([
      ['quantize-rows', variant],
      ['linear-dots', variant],
    ]);
    expect(calls![0]!.cut).toBe(calls![1]!.cut);
    const buffers: TestBuffer[] = [
      { data: x, storage: act },
      { data: w, storage: 'i8' },
      { data: scale, storage: 'f32' },
      { length: m * n, storage: act },
      { data: epilogue.bias ?? [0], storage: 'f32' },
      { data: epilogue.rows ?? [0], storage: 'f32' },
      { data: epilogue.residual ?? [0], storage: act },
      { length: sizes[0]! / 4, storage: 'i32' },
      { length: sizes[1]! / 4, storage: 'f32' },
    ];
    const results = await runKernels(gpu, calls!, buffers);
    const { x: _x, ...plain } = dims;
    const placed = (y: Float64Array): ArrayLike<number> =>
      shuffle ? depthToSpace(y, shuffle.width, n, { block: shuffle.block, order: 'DCR' }) : y;
    const reference = (data: Float32Array) => placed(linearReference(plain, { x: data, weight: real, ...epilogue }));
    expectClose(results[2]!, reference(rounded(rows, k).real), { ...tolerance[act], abs: 2e-3 });
    // Half a step of each of the row's numbers, at most; GELU's slope is at most 1.13.
    const exact = reference(rows);
    const worst = Math.max(...results[2]!.map((y, i) => Math.abs(y - exact[i]!)));
    expect(worst).toBeLessThan(1.13 * boundOf(rows, real, k) + 5 * tolerance[act].abs);
    expect(worst, 'rounding shows').toBeGreaterThan(k < 8 ? -1 : 1e-5);
  });
});

/** The greatest error that rounding the rows to 127 steps a side can cause in any output. */
function boundOf(x: Float32Array, w: Float32Array, k: number): number {
  const half = Math.max(...x.map(Math.abs)) / 254;
  const sums = Array.from({ length: w.length / k }, (_, n) =>
    w.subarray(n * k, (n + 1) * k).reduce((sum: number, v: number) => sum + Math.abs(v), 0),
  );
  return half * Math.max(...sums);
}

function choosing(
  dims: LinearDims,
  operands: Parameters<typeof linearDots<number>>[1],
  storage: { act: 'f32' | 'f16'; weight: 'i8' },
  variant: string,
) {
  let found = hardwareTuning;
  cutAs(variant, tuning => {
    found = tuning;
    return linear(dims, operands, { ...storage, tuning });
  });
  return found;
}

test('only where the choice says so, for int8 weights read as vec4', () => {
  const operands = { x: 0, weight: 1, scale: 2, out: 3 };
  const temporary = () => expect.fail('no memory is asked for');
  const dims = { m: 40, k: 32, n: 48 };
  const tuning = choosing(dims, operands, { act: 'f32', weight: 'i8' }, 'dots32');
  const storage = { act: 'f32', weight: 'i8' } as const;
  expect(linearDots(dims, operands, storage, temporary)).toBeNull();
  expect(linearDots({ ...dims, n: 100 }, operands, { ...storage, tuning }, temporary)).toBeNull();
  expect(linearDots({ ...dims, k: 31 }, operands, { ...storage, tuning }, temporary)).toBeNull();
  expect(linearDots(dims, operands, { act: 'f32', weight: 'f32', tuning }, temporary)).toBeNull();
});

describe('the self-test', () => {
  const shape = 'linear-vec4 f32/i8 4096x128x64';
  const able = { ...gpu.tuning, dots: linearDots };

  test.each(['dots32', 'dots64'])('%s is right', async variant => {
    const bench = new DeviceBench(gpu, able);
    expect(await bench.selfTest(shape, variant)).toBeNull();
    bench.dispose();
  });

  test('finds products that take the bytes for unsigned', async () => {
    const lying: typeof linearDots = (...given) =>
      linearDots(...given)?.map(call => ({
        ...call,
        shader: {
          ...call.shader,
          name: `unsigned-${call.shader.name}`,
          source: call.shader.source.replaceAll('dot4I8Packed(a[i].x, b.x)', 'i32(dot4U8Packed(a[i].x, b.x))'),
        },
      })) ?? null;
    const bench = new DeviceBench(gpu, { ...gpu.tuning, dots: lying });
    expect(await bench.selfTest(shape, 'dots32')).toMatch(/^computes -?[\d.]+ where -?[\d.]+ is right/);
    bench.dispose();
  });
});
