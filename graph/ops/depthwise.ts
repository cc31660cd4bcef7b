// depthwise: each channel convolved with its own odd-sized kernel, stride 1, "same" zero padding.
// Inputs x [B,H,W,C], W [kh,kw,C], b [C] (optional).

import { depthwise as kernel } from '../../gpu/kernels/convolution/depthwise.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, optionalVector, required } from './shared/expect.js';

export const depthwise: CoreRule<Record<never, never>> = {
  slots: ['act', 'weight', 'vector'],
  infer(inputs) {
    const x = required(inputs, 0, 'depthwise');
    const w = required(inputs, 1, 'depthwise');
    expectShapes(
      x.length === 4 && w.length === 3 && x[3] === w[2],
      'depthwise',
      'x [B,H,W,C] and W [kh,kw,C] must agree in C',
      x,
      w,
    );
    expectShapes(w[0]! % 2 === 1 && w[1]! % 2 === 1, 'depthwise', 'kernel sides must be odd', w);
    optionalVector(inputs, 2, x[3]!, 'depthwise');
    return x;
  },
  lower: ({ inputs, out, act, weight, tuning }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [kernelHeight, kernelWidth] = inputs[1]!.shape as [number, number];
    return [
      kernel(
        { batch, height, width, channels, kernelHeight, kernelWidth },
        { x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null, out },
        { act, weight, tuning },
      ),
    ];
  },
};
