// depthwise-input-gradient: the derivative of a depthwise convolution by its input: dy convolved with the kernel turned by
// half a turn. Inputs dy [B,H,W,C], W [kh,kw,C] → [B,H,W,C].

import { depthwiseInputGradient as kernel } from '../../../gpu/kernels/convolution/depthwise-gradient.js';
import type { TrainingRule } from '../../rule.js';
import { depthwise } from '../depthwise.js';
import { eachDepthwiseTap } from '../oracle.js';
import { notDifferentiable } from './gradient.js';

export const depthwiseInputGradient: TrainingRule<Record<never, never>> = {
  slots: ['act', 'weight'],
  // Stride 1 and "same" padding: the derivative has the shape of the convolution itself.
  infer: (inputs, attrs) => depthwise.infer(inputs, attrs),
  reference([dy, w], _attrs, out) {
    const channels = out.shape[3]!;
    eachDepthwiseTap(out.shape, w!.shape, (from, weights, to) => {
      for (let c = 0; c < channels; c++) out.data[from + c]! += dy!.data[to + c]! * w!.data[weights + c]!;
    });
  },
  lower: ({ inputs: [dy, w], out, act, weight, tuning }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [kernelHeight, kernelWidth] = w!.shape as [number, number];
    const dims = { batch, height, width, channels, kernelHeight, kernelWidth };
    return [kernel(dims, { dy: dy!, weight: w!, out }, { act, weight, tuning })];
  },
  gradient: notDifferentiable,
};
