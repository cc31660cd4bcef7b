// conv2d: NHWC convolution (cross-correlation, as torch). Inputs x [B,H,W,C], W [O,kh,kw,C], b [O] (optional).
// Symmetric zero padding; output side floor((H + 2 padding - kh) / stride) + 1.

import type { CoreRule } from '../rule.js';
import { expectShapes, optionalVector, required } from './shared/expect.js';
import { lowerConv2d } from './shared/lower-conv2d.js';

export interface Conv2dAttrs {
  readonly stride: number;
  readonly padding: number;
}

export const convolvedSide = (side: number, kernel: number, { stride, padding }: Conv2dAttrs): number =>
  Math.floor((side + 2 * padding - kernel) / stride) + 1;

export const conv2d: CoreRule<Conv2dAttrs> = {
  slots: ['act', 'weight', 'vector'],
  infer(inputs, attrs) {
    const x = required(inputs, 0, 'conv2d');
    const w = required(inputs, 1, 'conv2d');
    expectShapes(
      x.length === 4 && w.length === 4 && x[3] === w[3],
      'conv2d',
      'x [B,H,W,C] and W [O,kh,kw,C] must agree in C',
      x,
      w,
    );
    optionalVector(inputs, 2, w[0]!, 'conv2d');
    const [height, width] = [convolvedSide(x[1]!, w[1]!, attrs), convolvedSide(x[2]!, w[2]!, attrs)];
    expectShapes(height > 0 && width > 0, 'conv2d', 'the kernel must fit into the padded map', x, w);
    return [x[0]!, height, width, w[0]!];
  },
  lower: ({ inputs, attrs, out, act, weight, tuning }) => [
    lowerConv2d({ x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null }, attrs, out, { act, weight, tuning }),
  ],
};
