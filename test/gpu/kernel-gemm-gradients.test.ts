// Gradients that are matrix products: of linear layers and convolutions, by input and by weight. General and vec4, one run
// of rows and many, sizes that are multiples of nothing.

import { describe, expect, test } from 'vitest';
import { conv2dInputGradient } from '../../gpu/kernels/convolution/conv2d-input-gradient.js';
import {
  type Conv2dGradientDims,
  conv2dWeightGradient,
  conv2dWeightGradientPartial,
} from '../../gpu/kernels/convolution/conv2d-weight-gradient.js';
import { linearInputGradient } from '../../gpu/kernels/matmul/linear-input-gradient.js';
import { linearWeightGradient, linearWeightGradientPartial } from '../../gpu/kernels/matmul/linear-weight-gradient.js';
import { expectClose, tolerance } from '../tolerance.js';
import { floats, given, repeatable, written } from './gradient-harness.js';
import { getGpu, tuningsOf } from './harness.js';
import { conv2dGradientReference, linearGradientReference } from './reference-gradients.js';
import { noise } from './reference-kernels.js';

const linears = [
  { m: 1, k: 1, n: 1, input: 'linear-input-gradient', weight: 'linear-weight-gradient' },
  { m: 33, k: 7, n: 13, input: 'linear-input-gradient', weight: 'linear-weight-gradient' },
  { m: 7, k: 70, n: 34, input: 'linear-input-gradient', weight: 'linear-weight-gradient' },
  { m: 9, k: 35, n: 68, input: 'linear-input-gradient-vec4', weight: 'linear-weight-gradient' },
  { m: 70, k: 36, n: 20, input: 'linear-input-gradient-vec4', weight: 'linear-weight-gradient-vec4' },
  { m: 301, k: 100, n: 68, input: 'linear-input-gradient-vec4', weight: 'linear-weight-gradient-vec4' },
  // Three columns a lane.
  { m: 37, k: 48, n: 24, input: 'linear-input-gradient-vec4', weight: 'linear-weight-gradient-vec4' },
  // Many runs of rows, the last one shorter.
  { m: 1003, k: 5, n: 1, input: 'linear-input-gradient', weight: 'linear-weight-gradient' },
];

const gpu = await getGpu();
const tunings = tuningsOf(gpu);
const fp32 = { act: 'f32', weight: 'f32' } as const;

describe.each(tunings)('linear, $name', ({ tuning }) => {
  test.each(linears)('dx and dW, [$m,$n] x [$n,$k]', async ({ input, weight: variant, ...dims }) => {
    const { m, k, n } = dims;
    const data = {
      x: noise(m * k, 1),
      weight: noise(n * k, 2, 1 / Math.sqrt(n)),
      dy: noise(m * n, 3, 1 / Math.sqrt(m)),
    };
    const expected = linearGradientReference(dims, data);
    const dx = linearInputGradient(dims, { dy: 2, weight: 1, out: 3 }, { ...fp32, tuning });
    const dw = linearWeightGradient(dims, { x: 0, dy: 2, partial: 4, out: 5 }, { ...fp32, tuning });
    expect([dx.shader.name, dw[0]!.shader.name]).toEqual([input, variant]);
    const partial = linearWeightGradientPartial(dims, tuning);
    expect(dw.length, 'calls').toBe(partial === 0 ? 1 : 2);
    const calls = [dx, ...dw];
    const results = await repeatable(gpu, calls, [
      ...[data.x, data.weight, data.dy].map(given),
      ...[m * k, partial, n * k].map(floats),
    ]);
    expectClose(written(calls, results, 3), expected.dx, tolerance.f32);
    expectClose(written(calls, results, 5), expected.dw, tolerance.f32);
  });
});

const map = (batch: number, height: number, width: number, channels: number) => ({ batch, height, width, channels });
const kernel = (kernelHeight: number, kernelWidth: number, stride = 1, padding = 0) => ({
  ...{ kernelHeight, kernelWidth, stride, padding },
});

const convolutions: [title: string, input: string, weight: string, dims: Conv2dGradientDims][] = [
  [
    'a pixel',
    'linear-input-gradient',
    'conv2d-weight-gradient',
    { ...map(1, 1, 1, 1), outChannels: 1, ...kernel(1, 1) },
  ],
  [
    '3 x 3',
    'conv2d-input-gradient',
    'conv2d-weight-gradient',
    { ...map(2, 7, 5, 3), outChannels: 5, ...kernel(3, 3, 1, 1) },
  ],
  [
    '3 x 3, quads',
    'conv2d-input-gradient-vec4',
    'conv2d-weight-gradient-vec4',
    { ...map(2, 9, 7, 12), outChannels: 36, ...kernel(3, 3, 1, 1) },
  ],
  [
    'quads of one side',
    'conv2d-input-gradient-vec4',
    'conv2d-weight-gradient',
    { ...map(1, 5, 6, 3), outChannels: 8, ...kernel(2, 3, 1, 1) },
  ],
  [
    'stride 2, window 3',
    'conv2d-input-gradient',
    'conv2d-weight-gradient',
    { ...map(1, 8, 11, 2), outChannels: 3, ...kernel(3, 3, 2, 1) },
  ],
  [
    'stride 3, window 2: pixels that no window reaches',
    'conv2d-input-gradient-vec4',
    'conv2d-weight-gradient-vec4',
    { ...map(2, 8, 9, 4), outChannels: 8, ...kernel(2, 2, 3) },
  ],
  [
    'padding beyond the window',
    'conv2d-input-gradient',
    'conv2d-weight-gradient',
    { ...map(1, 3, 2, 2), outChannels: 3, ...kernel(2, 1, 1, 3) },
  ],
  [
    'patches of a photograph',
    'linear-input-gradient-vec4',
    'conv2d-weight-gradient-vec4',
    { ...map(2, 12, 8, 3), outChannels: 8, ...kernel(4, 4, 4) },
  ],
  [
    'patches',
    'linear-input-gradient',
    'conv2d-weight-gradient',
    { ...map(2, 6, 10, 5), outChannels: 7, ...kernel(2, 2, 2) },
  ],
  [
    'patches that leave a column over',
    'conv2d-input-gradient-vec4',
    'conv2d-weight-gradient-vec4',
    { ...map(1, 7, 5, 4), outChannels: 4, ...kernel(2, 2, 2) },
  ],
  [
    'many runs of pixels',
    'conv2d-input-gradient',
    'conv2d-weight-gradient',
    { ...map(3, 20, 21, 3), outChannels: 2, ...kernel(3, 3, 1, 1) },
  ],
];

describe.each(tunings)('conv2d, $name', ({ tuning }) => {
  test.each(convolutions)('dx and dW, %s', async (_, input, variant, dims) => {
    const { batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride = 1, padding = 0 } = dims;
    const outHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
    const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
    const pixels = batch * outHeight * outWidth;
    const data = {
      x: noise(batch * height * width * channels, 1),
      weight: noise(outChannels * kernelHeight * kernelWidth * channels, 2, 0.2),
      dy: noise(pixels * outChannels, 3, 1 / Math.sqrt(pixels)),
    };
    const expected = conv2dGradientReference(dims, data);
    const dx = conv2dInputGradient(dims, { dy: 2, weight: 1, out: 3 }, { ...fp32, tuning });
    const dw = conv2dWeightGradient(dims, { x: 0, dy: 2, partial: 4, out: 5 }, { ...fp32, tuning });
    expect([dx.shader.name, dw[0]!.shader.name]).toEqual([input, variant]);
    const calls = [dx, ...dw];
    const results = await repeatable(gpu, calls, [
      ...[data.x, data.weight, data.dy].map(given),
      ...[data.x.length, conv2dWeightGradientPartial(dims, tuning), data.weight.length].map(floats),
    ]);
    expectClose(written(calls, results, 3), expected.dx, tolerance.f32);
    expectClose(written(calls, results, 5), expected.dw, tolerance.f32);
  });
});
