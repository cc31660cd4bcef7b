// int8 weights: whole numbers packed four to a word, unpacked in the kernels of linear, conv2d and embedding, and a scale for
// each output channel (or row) in the epilogue. Held against the references of the float kernels on the weights' real values.

import { describe, expect, test } from 'vitest';
import { type Conv2dDims, conv2d } from '../../gpu/kernels/convolution/conv2d.js';
import { depthwise } from '../../gpu/kernels/convolution/depthwise.js';
import { type LinearDims, linear } from '../../gpu/kernels/matmul/linear.js';
import { embedding } from '../../gpu/kernels/movement/embedding.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, getGpu, runKernel, type TestBuffer } from './harness.js';
import { conv2dReference, depthToSpace, linearReference, noise } from './reference-kernels.js';

const f32 = (data: ArrayLike<number>): TestBuffer => ({ data, storage: 'f32' });

/** Whole numbers from -127 to 127 with both ends among them, scales that differ by a factor of 100, and what they mean. */
function weights(rows: number, columns: number, seed: number) {
  const q = Int8Array.from(noise(rows * columns, seed, 127.49), Math.round);
  q[0] = -127;
  q[q.length - 1] = 127;
  const scale = noise(rows, seed + 1).map(x => 10 ** x / (10 * 127 * Math.sqrt(columns)));
  const real = Float32Array.from(q, (v, i) => v * scale[Math.floor(i / columns)]!);
  return { q: { data: q, storage: 'i8' } as const, scale: f32(scale), real };
}

const full = await getGpu();
const types = [
  { name: 'f32', gpu: full, act: 'f32' as const },
  { name: 'f32 without shader-f16', gpu: await getGpu({ f16: false }), act: 'f32' as const },
  ...(full.features.f16 ? [{ name: 'f16', gpu: full, act: 'f16' as const }] : []),
];

interface Case<D> {
  readonly dims: D;
  readonly kernel: string;
  readonly everyType?: boolean;
}

const linears: readonly Case<LinearDims>[] = [
  { dims: { m: 1, k: 1, n: 1 }, kernel: 'linear' },
  { dims: { m: 66, k: 71, n: 35, activation: 'leakyRelu' }, kernel: 'linear', everyType: true },
  { dims: { m: 70, k: 20, n: 33, period: 7, activation: 'gelu' }, kernel: 'linear-vec4', everyType: true },
  { dims: { m: 24, k: 68, n: 21, period: 24, activation: 'gelu' }, kernel: 'linear-skinny', everyType: true },
  { dims: { m: 70, k: 8, n: 28, shuffle: { height: 5, width: 7, block: 2 } }, kernel: 'linear-vec4' },
];

const square = (kernel: number) => ({ kernelHeight: kernel, kernelWidth: kernel });

const convolutions: readonly Case<Conv2dDims>[] = [
  {
    dims: { batch: 2, height: 7, width: 5, channels: 3, channels2: 2, outChannels: 13, ...square(3), padding: 1 },
    ...{ kernel: 'conv2d', everyType: true },
  },
  {
    dims: { batch: 2, height: 7, width: 9, channels: 8, channels2: 4, outChannels: 33, ...square(3), padding: 1 },
    ...{ kernel: 'conv2d-vec4', everyType: true },
  },
  {
    dims: { batch: 1, height: 12, width: 8, channels: 3, outChannels: 24, ...square(4), stride: 4 },
    kernel: 'conv2d-vec4',
  },
  {
    dims: {
      ...{ batch: 1, height: 5, width: 6, channels: 12, outChannels: 16, ...square(3), padding: 1 },
      shuffle: { block: 4, order: 'CRD' },
    },
    kernel: 'conv2d-vec4',
  },
];

describe.each(types)('$name', ({ name, gpu, act }) => {
  // Epilogues and places do not depend on the element types: other types than f32 take one case of each kernel.
  const chosen = <D>(cases: readonly Case<D>[]) =>
    cases.filter(c => c.everyType || name === 'f32').map(c => [`${c.kernel} ${JSON.stringify(c.dims)}`, c] as const);
  const input = (length: number, seed: number) => asStored(noise(length, seed), act);

  test.each(chosen(linears))('%s', async (_, c) => {
    const { m, k, n, period = 1, shuffle } = c.dims;
    const { q, scale, real } = weights(n, k, 2);
    const residual = shuffle ? undefined : input(m * n, 5);
    const data = { x: input(m * k, 1), bias: noise(n, 3), rows: noise(period * n, 4), ...(residual && { residual }) };
    const operands = { x: 0, weight: 1, bias: 2, rows: 3, residual: residual ? 4 : null, out: 5, scale: 6 };
    const call = linear(c.dims, operands, { act, weight: 'i8' });
    expect(call.shader.name).toBe(c.kernel);
    const [y] = await runKernel(gpu, call, [
      { data: data.x, storage: act },
      q,
      f32(data.bias),
      f32(data.rows),
      { data: residual ?? [0], storage: act },
      { length: m * n, storage: act },
      scale,
    ]);
    const plain = linearReference(c.dims, { ...data, weight: real });
    const expected = shuffle ? depthToSpace(plain, shuffle.width, n, { block: shuffle.block, order: 'DCR' }) : plain;
    expectClose(y!, expected, tolerance[act]);
  });

  test.each(chosen(convolutions))('%s', async (_, c) => {
    const { batch, height, width, channels, channels2 = 0, outChannels, kernelHeight, shuffle } = c.dims;
    const { q, scale, real } = weights(outChannels, kernelHeight ** 2 * (channels + channels2), 2);
    const x = input(batch * height * width * channels, 1);
    const x2 = channels2 ? input(batch * height * width * channels2, 6) : undefined;
    const bias = noise(outChannels, 3);
    const expected = conv2dReference(c.dims, { x, weight: real, bias, ...(x2 && { x2 }) });
    const operands = { x: 0, x2: x2 ? 1 : null, weight: 2, bias: 3, scale: 4, out: 5 };
    const call = conv2d(c.dims, operands, { act, weight: 'i8' });
    expect(call.shader.name).toBe(c.kernel);
    const [y] = await runKernel(gpu, call, [
      { data: x, storage: act },
      { data: x2 ?? [0], storage: act },
      q,
      f32(bias),
      scale,
      { length: expected.length, storage: act },
    ]);
    const shuffled = shuffle ? depthToSpace(expected, width, outChannels, shuffle) : expected;
    expectClose(y!, shuffled, tolerance[act]);
  });

  test.each([7, 96])('embedding of rows of %i, ids past both ends', async dim => {
    const { q, scale, real } = weights(11, dim, 2);
    const [positions, type] = [noise(3 * dim, 3), noise(dim, 4)];
    const ids = Int32Array.from({ length: 9 }, (_, i) => ((i * 7) % 15) - 2);
    const operands = { table: 0, ids: 1, positions: 2, type: 3, scale: 4, out: 5 };
    const dims = { m: 9, length: 3, dim, vocabulary: 11 };
    const [y] = await runKernel(gpu, embedding(dims, operands, { act, weight: 'i8' }), [
      q,
      { data: ids, storage: 'i32' },
      f32(positions),
      f32(type),
      scale,
      { length: 9 * dim, storage: act },
    ]);
    const row = (id: number, r: number) =>
      Array.from({ length: dim }, (_, i) => real[id * dim + i]! + positions[(r % 3) * dim + i]! + type[i]!);
    const expected = Array.from(ids).flatMap((id, r) => row(Math.min(Math.max(id, 0), 10), r));
    expectClose(y!, expected, tolerance[act]);
  });
});

test('int8 weights without scales are refused', () => {
  const storage = { act: 'f32', weight: 'i8' } as const;
  const refused = (where: string) =>
    `${where}: int8 weights must come with their scales, got none; give the scale operand`;
  expect(() => linear({ m: 1, k: 4, n: 1 }, { x: 0, weight: 1, out: 2 }, storage)).toThrow(refused('linear'));
  const map = { batch: 1, height: 3, width: 3, channels: 4, kernelHeight: 3, kernelWidth: 3 };
  expect(() => conv2d({ ...map, outChannels: 1 }, { x: 0, weight: 1, out: 2 }, storage)).toThrow(refused('conv2d'));
  expect(() => depthwise(map, { x: 0, weight: 1, out: 2 }, storage)).toThrow(refused('depthwise'));
  const table = { m: 1, length: 1, dim: 4, vocabulary: 2 };
  expect(() => embedding(table, { table: 0, ids: 1, out: 2 }, storage)).toThrow(refused('embedding'));
});
