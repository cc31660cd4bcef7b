// depthwise and depthwiseNorm: general and vec4 x sizes that are multiples of nothing x every element type.

import { describe, expect, test } from 'vitest';
import { type DepthwiseDims, depthwise } from '../../gpu/kernels/convolution/depthwise.js';
import { depthwiseNorm } from '../../gpu/kernels/convolution/depthwise-norm.js';
import type { Tuning } from '../../gpu/tuning.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, cutAs, runKernel, type TestBuffer, tunedVariations, type Variation, variations } from './harness.js';
import { depthwiseReference, noise } from './reference-kernels.js';

interface Case {
  readonly size: readonly [batch: number, height: number, width: number, channels: number];
  readonly kernel: readonly [height: number, width: number];
  readonly bias?: boolean;
  readonly norm?: boolean;
  readonly affine?: boolean;
  readonly everyType?: boolean;
}

const cases: Case[] = [
  { size: [1, 1, 1, 1], kernel: [1, 1] },
  { size: [2, 7, 13, 1], kernel: [3, 3], bias: true },
  { size: [1, 5, 9, 7], kernel: [7, 7], bias: true, everyType: true },
  { size: [1, 3, 6, 33], kernel: [1, 5] },
  { size: [2, 4, 7, 12], kernel: [5, 3], bias: true },
  { size: [1, 33, 33, 24], kernel: [7, 7], bias: true, everyType: true },
  { size: [1, 2, 3, 1], kernel: [3, 3], bias: true, norm: true },
  { size: [2, 7, 5, 13], kernel: [7, 7], bias: true, norm: true, everyType: true },
  { size: [2, 3, 7, 96], kernel: [7, 7], bias: true, norm: true, everyType: true },
  { size: [2, 3, 5, 13], kernel: [3, 3], bias: true, norm: true, affine: true, everyType: true },
  { size: [1, 5, 7, 24], kernel: [7, 7], bias: true, norm: true, affine: true, everyType: true },
  { size: [1, 30, 30, 36], kernel: [3, 3], norm: true },
  { size: [1, 2, 5, 1024], kernel: [3, 3], bias: true, norm: true },
  { size: [1, 2, 3, 1023], kernel: [3, 3], bias: true, norm: true },
  { size: [1, 1, 2, 1500], kernel: [3, 1], norm: true },
  { size: [1, 1, 2, 1201], kernel: [1, 3], norm: true },
];

const EPS = 1e-6;

function dimsOf({ size: [batch, height, width, channels], kernel: [kernelHeight, kernelWidth] }: Case): DepthwiseDims {
  return { batch, height, width, channels, kernelHeight, kernelWidth };
}

function callOf(c: Case, variation: Variation & { readonly tuning?: Tuning }) {
  const operands = { x: 0, weight: 1, bias: c.bias ? 2 : null, out: 3 };
  const dims = dimsOf(c);
  const affine = c.affine ? { normWeight: 4, normBias: 5 } : {};
  return c.norm
    ? depthwiseNorm({ ...dims, eps: EPS }, { ...operands, ...affine }, variation)
    : depthwise(dims, operands, variation);
}

/** Operands in the storage of the variation, and what the output must be. `shift` moves every output by the same. */
function prepare(c: Case, { act, weight }: Variation, shift = 0) {
  const [batch, height, width, channels] = c.size;
  const [kernelHeight, kernelWidth] = c.kernel;
  const count = batch * height * width * channels;
  const taps = kernelHeight * kernelWidth;
  const data = {
    x: asStored(noise(count, 1), act),
    weight: asStored(noise(taps * channels, 2, 1 / Math.sqrt(taps)), weight),
    ...(c.bias && { bias: noise(channels, 3).map(b => b + shift) }),
  };
  const buffers: TestBuffer[] = [
    { data: data.x, storage: act },
    { data: data.weight, storage: weight },
    { data: data.bias ?? [0], storage: 'f32' },
    { length: count, storage: act },
  ];
  const expected = depthwiseReference(dimsOf(c), data, c.norm ? EPS : null);
  if (!c.affine) return { buffers, expected };
  const [normWeight, normBias] = [noise(channels, 4), noise(channels, 5)];
  return {
    buffers: [...buffers, { data: normWeight, storage: 'f32' as const }, { data: normBias, storage: 'f32' as const }],
    expected: expected.map((y, i) => y * normWeight[i % channels]! + normBias[i % channels]!),
  };
}

const title = ({ size, kernel, bias, norm, affine }: Case) =>
  `[${size}] by ${kernel.join(' x ')}${bias ? ', bias' : ''}${norm ? ', normalised' : ''}${affine ? ', affine' : ''}`;

describe.each(await tunedVariations())('$name', variation => {
  const chosen = cases.filter(c => c.everyType || (variation.act === 'f32' && variation.weight === 'f32'));

  test.each(chosen.map(c => [title(c), c] as const))('%s', async (_, c) => {
    const call = callOf(c, variation);
    expect(call.shader.name).toBe(c.size[3] % 4 === 0 ? 'depthwise-vec4' : 'depthwise');
    const { buffers, expected } = prepare(c, variation);
    const [y] = await runKernel(variation.gpu, call, buffers);
    expectClose(y!, expected, tolerance[variation.act]);
  });
});

test('statistics survive a mean a thousand times the deviation, which E[x²] - E[x]² does not', async () => {
  const [variation] = await tunedVariations();
  const c: Case = { size: [1, 2, 3, 64], kernel: [3, 3], bias: true, norm: true };
  const { buffers, expected } = prepare(c, variation!, 1000);
  const [y] = await runKernel(variation!.gpu, callOf(c, variation!), buffers);
  // Sums near 1000 are rounded to 6e-5, of deviations around 0.7.
  expectClose(y!, expected, { abs: 5e-4, rel: 0 });
});

const [fp32] = await variations();

describe.each(['1', '2', '4', '8', '16'])('runs of %s pixels', pixels => {
  const cut: Case[] = [
    { size: [2, 3, 21, 33], kernel: [7, 7], bias: true, norm: true },
    { size: [1, 5, 19, 36], kernel: [7, 7], bias: true, norm: true },
    { size: [2, 3, 5, 36], kernel: [3, 3] },
  ];
  test.each(cut.map(c => [title(c), c] as const))('%s', async (_, c) => {
    const call = cutAs(pixels, tuning => callOf(c, { ...fp32!, tuning }));
    expect(call.shader.tile!.PIXELS).toBe(Number(pixels));
    const { buffers, expected } = prepare(c, fp32!);
    const [y] = await runKernel(fp32!.gpu, call, buffers);
    expectClose(y!, expected, tolerance.f32);
  });
});
