// conv2d: every variant (general, vec4, patches) x source, stride, padding, epilogue and shuffle x every element type.

import { describe, expect, test } from 'vitest';
import { type Conv2dDims, conv2d } from '../../gpu/kernels/convolution/conv2d.js';
import { productTiles } from '../../gpu/tuning.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, cutAs, runKernel, type TestBuffer, tunedVariations, type Variation, variations } from './harness.js';
import { conv2dReference, depthToSpace, noise } from './reference-kernels.js';

interface Case {
  readonly title: string;
  readonly dims: Conv2dDims;
  readonly kernel: 'conv2d' | 'conv2d-vec4';
  readonly bias?: boolean;
  readonly gate?: boolean;
  /** Run with every element type. */
  readonly everyType?: boolean;
}

const k = (size: number) => ({ kernelHeight: size, kernelWidth: size });
const CRD = (block: number) => ({ block, order: 'CRD' }) as const;

const cases: Case[] = [
  {
    title: 'one pixel',
    dims: { batch: 1, height: 1, width: 1, channels: 1, outChannels: 1, ...k(1) },
    kernel: 'conv2d',
    bias: true,
  },
  {
    title: 'odd everything, two sources, all of the epilogue',
    dims: {
      batch: 2,
      height: 7,
      width: 5,
      channels: 3,
      channels2: 2,
      outChannels: 13,
      ...k(3),
      padding: 1,
      activation: 'gelu',
    },
    ...{ kernel: 'conv2d', bias: true, gate: true, everyType: true },
  },
  {
    title: 'stride 3, even kernel, more padding than needed',
    dims: {
      batch: 1,
      height: 13,
      width: 11,
      channels: 5,
      outChannels: 7,
      kernelHeight: 2,
      kernelWidth: 4,
      stride: 3,
      padding: 2,
    },
    kernel: 'conv2d',
  },
  {
    title: 'channels fit, those of the second source do not',
    dims: { batch: 1, height: 4, width: 4, channels: 4, channels2: 3, outChannels: 4, ...k(3), padding: 1 },
    kernel: 'conv2d',
  },
  {
    title: '3x3 with a skip connection, gated',
    dims: {
      batch: 2,
      height: 7,
      width: 9,
      channels: 8,
      channels2: 4,
      outChannels: 33,
      ...k(3),
      padding: 1,
      activation: 'leakyRelu',
    },
    ...{ kernel: 'conv2d-vec4', bias: true, gate: true, everyType: true },
  },
  {
    title: 'large tiles',
    dims: { batch: 1, height: 40, width: 41, channels: 4, outChannels: 250, ...k(1), activation: 'relu' },
    ...{ kernel: 'conv2d-vec4', bias: true },
  },
  {
    title: 'downsampling 2x2 of an odd map',
    dims: { batch: 1, height: 7, width: 9, channels: 8, outChannels: 12, ...k(2), stride: 2 },
    ...{ kernel: 'conv2d-vec4', bias: true },
  },
  {
    title: 'patches of three channels',
    dims: { batch: 2, height: 13, width: 12, channels: 3, outChannels: 10, ...k(4), stride: 4 },
    ...{ kernel: 'conv2d-vec4', bias: true, everyType: true },
  },
  {
    title: 'patches that do not fill the width',
    dims: { batch: 1, height: 9, width: 13, channels: 3, outChannels: 5, ...k(4), stride: 4 },
    ...{ kernel: 'conv2d', bias: true },
  },
  {
    title: 'head: 16 channels to one of four times the size',
    dims: { batch: 2, height: 5, width: 3, channels: 12, outChannels: 16, ...k(3), padding: 1, shuffle: CRD(4) },
    ...{ kernel: 'conv2d-vec4', bias: true, everyType: true },
  },
  {
    title: 'shuffle CRD',
    dims: { batch: 1, height: 3, width: 5, channels: 3, outChannels: 28, ...k(3), padding: 1, shuffle: CRD(2) },
    kernel: 'conv2d',
  },
  {
    title: 'shuffle DCR',
    dims: { batch: 2, height: 3, width: 5, channels: 4, outChannels: 27, ...k(1), shuffle: { block: 3, order: 'DCR' } },
    kernel: 'conv2d-vec4',
  },
];

/** Operands in the storage of the variation, and what the output must be. */
function prepare({ dims, bias, gate }: Case, { act, weight }: Variation) {
  const { batch, height, width, channels, channels2 = 0, outChannels, kernelHeight, kernelWidth, shuffle } = dims;
  const { stride = 1, padding = 0 } = dims;
  const pixels = batch * height * width;
  const fanIn = kernelHeight * kernelWidth * (channels + channels2);
  const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  const outPixels = batch * outWidth * (Math.floor((height + 2 * padding - kernelHeight) / stride) + 1);
  const data = {
    x: asStored(noise(pixels * channels, 1), act),
    x2: asStored(noise(pixels * channels2, 2), act),
    weight: asStored(noise(outChannels * fanIn, 3, 1 / Math.sqrt(fanIn)), weight),
    ...(bias && { bias: noise(outChannels, 4) }),
    ...(gate && { gate: asStored(noise(outPixels, 5), act) }),
  };
  const y = conv2dReference(dims, data);
  const buffers: TestBuffer[] = [
    { data: data.x, storage: act },
    { data: data.x2, storage: act },
    { data: data.weight, storage: weight },
    { data: data.bias ?? [0], storage: 'f32' },
    { data: data.gate ?? [0], storage: act },
    { length: y.length, storage: act },
  ];
  return { buffers, expected: shuffle ? depthToSpace(y, outWidth, outChannels, shuffle) : y };
}

const operands = ({ dims, bias, gate }: Case) => ({
  ...{ x: 0, x2: dims.channels2 ? 1 : null, weight: 2, bias: bias ? 3 : null, gate: gate ? 4 : null, out: 5 },
});

describe.each(await tunedVariations())('$name', variation => {
  const chosen = cases.filter(c => c.everyType || (variation.act === 'f32' && variation.weight === 'f32'));

  test.each(chosen.map(c => [`${c.kernel}: ${c.title}`, c] as const))('%s', async (_, c) => {
    const call = conv2d(c.dims, operands(c), variation);
    expect(call.shader.name).toBe(c.kernel);
    const { buffers, expected } = prepare(c, variation);
    const [y] = await runKernel(variation.gpu, call, buffers);
    expectClose(y!, expected, tolerance[variation.act]);
  });
});

test('writes its channels of a wider tensor and no others', async () => {
  const [variation] = await tunedVariations();
  const base = { batch: 1, height: 2, width: 3, channels: 4, outChannels: 3, ...k(3), padding: 1 };
  const c: Case = { title: '', dims: { ...base, out: { offset: 2, pitch: 7 } }, kernel: 'conv2d-vec4', bias: true };
  const { buffers, expected } = prepare(c, variation!);
  const untouched = Array.from({ length: 42 }, (_, i) => i);
  const call = conv2d(c.dims, operands(c), variation!);
  const [y] = await runKernel(variation!.gpu, call, [...buffers.slice(0, 5), { data: untouched, storage: 'f32' }]);
  const inside = (i: number) => i % 7 >= 2 && i % 7 < 5;
  expectClose(
    y!,
    untouched.map(i => (inside(i) ? expected[Math.floor(i / 7) * 3 + (i % 7) - 2]! : i)),
    tolerance.f32,
  );
});

const [fp32] = await variations();

describe.each(Object.keys(productTiles))('cut as %s', variant => {
  const sizes = { height: 13, width: 11, ...k(3), padding: 1 };
  const cut: Case[] = [
    {
      title: '3x3 with a skip connection, gated',
      dims: { batch: 1, ...sizes, channels: 8, channels2: 4, outChannels: 70, activation: 'leakyRelu' },
      ...{ kernel: 'conv2d-vec4', bias: true, gate: true },
    },
    {
      title: 'odd channels, two maps',
      dims: { batch: 2, ...sizes, channels: 3, channels2: 2, outChannels: 13, activation: 'leakyRelu' },
      ...{ kernel: 'conv2d', bias: true, gate: true },
    },
  ];
  test.each(cut.map(c => [c.title, c] as const))('%s', async (_, c) => {
    const call = cutAs(variant, tuning => conv2d(c.dims, operands(c), { ...fp32!, tuning }));
    expect(call.cut!.variant).toBe(variant);
    const { buffers, expected } = prepare(c, fp32!);
    const [y] = await runKernel(fp32!.gpu, call, buffers);
    expectClose(y!, expected, tolerance.f32);
  });
});
