// depthwise gradients by input and weight: general and vec4, one run of lines and many, kernels wider than the map.

import { describe, expect, test } from 'vitest';
import {
  depthwiseInputGradient,
  depthwiseWeightGradient,
  depthwiseWeightGradientPartial,
} from '../../gpu/kernels/convolution/depthwise-gradient.js';
import { fp32 } from '../../gpu/kernels/shared/gradient-storage.js';
import { expectClose, tolerance } from '../tolerance.js';
import { floats, given, repeatable, written } from './gradient-harness.js';
import { getGpu, tuningsOf } from './harness.js';
import { depthwiseGradientReference } from './reference-gradients.js';
import { noise } from './reference-kernels.js';

const cases = [
  { batch: 1, height: 1, width: 1, channels: 1, kernelHeight: 7, kernelWidth: 7 },
  { batch: 2, height: 9, width: 11, channels: 7, kernelHeight: 7, kernelWidth: 7 },
  { batch: 3, height: 14, width: 13, channels: 36, kernelHeight: 7, kernelWidth: 7 },
  { batch: 1, height: 5, width: 4, channels: 3, kernelHeight: 1, kernelWidth: 3 },
  // So many channels that a run takes several lines.
  { batch: 1, height: 3, width: 2, channels: 46000, kernelHeight: 3, kernelWidth: 1 },
];

const gpu = await getGpu();

describe.each(tuningsOf(gpu))('$name', ({ tuning }) => {
  test.each(cases)('[$batch,$height,$width,$channels] by $kernelHeight x $kernelWidth', async dims => {
    const { batch, height, width, channels, kernelHeight, kernelWidth } = dims;
    const count = batch * height * width * channels;
    const data = {
      x: noise(count, 1),
      weight: noise(kernelHeight * kernelWidth * channels, 2, 0.2),
      dy: noise(count, 3, 1 / Math.sqrt(batch * height * width)),
    };
    const expected = depthwiseGradientReference(dims, data);
    const dx = depthwiseInputGradient(dims, { dy: 2, weight: 1, out: 3 }, { ...fp32, tuning });
    const dw = depthwiseWeightGradient(dims, { x: 0, dy: 2, partial: 4, out: 5 }, { ...fp32, tuning });
    expect(dw[0]!.shader.packet).toBe(channels % 4 === 0 ? 4 : 1);
    const calls = [dx, ...dw];
    const results = await repeatable(gpu, calls, [
      ...[data.x, data.weight, data.dy].map(given),
      ...[count, depthwiseWeightGradientPartial(dims, tuning), data.weight.length].map(floats),
    ]);
    expectClose(written(calls, results, 3), expected.dx, tolerance.f32);
    expectClose(written(calls, results, 5), expected.dw, tolerance.f32);
  });
});
