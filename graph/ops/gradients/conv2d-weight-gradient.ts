// conv2d-weight-gradient: the derivative of a convolution by its weight: dW[o,ky,kx,c] = Σ_{b,oy,ox} dy[b,oy,ox,o] x[b,y,x,c],
// y = oy stride + ky - padding. Inputs x [B,H,W,C], dy [B,Ho,Wo,O] → [O,kh,kw,C].

import {
  conv2dWeightGradient as kernel,
  conv2dWeightGradientPartial as partialFloats,
} from '../../../gpu/kernels/convolution/conv2d-weight-gradient.js';
import type { Operand, TrainingRule } from '../../rule.js';
import { type Conv2dAttrs, convolvedSide } from '../conv2d.js';
import { eachTap } from '../oracle.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export interface Conv2dWeightGradientAttrs extends Conv2dAttrs {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
}

export const conv2dWeightGradient: TrainingRule<Conv2dWeightGradientAttrs> = {
  infer(inputs, attrs) {
    const x = required(inputs, 0, 'conv2dWeightGradient');
    const dy = required(inputs, 1, 'conv2dWeightGradient');
    const { kernelHeight, kernelWidth } = attrs;
    expectShapes(
      x.length === 4 &&
        dy.length === 4 &&
        x[0] === dy[0] &&
        dy[1] === convolvedSide(x[1]!, kernelHeight, attrs) &&
        dy[2] === convolvedSide(x[2]!, kernelWidth, attrs),
      'conv2dWeightGradient',
      `dy must be what a ${kernelHeight} x ${kernelWidth} kernel makes of x [B,H,W,C]`,
      x,
      dy,
    );
    return [dy[3]!, kernelHeight, kernelWidth, x[3]!];
  },
  reference([x, dy], attrs, out) {
    const [outChannels, kh, kw, channels] = out.shape as [number, number, number, number];
    eachTap(x!.shape, out.shape, dy!.shape, attrs, (from, tap, to) => {
      for (let o = 0; o < outChannels; o++) {
        const weights = o * kh * kw * channels + tap;
        for (let c = 0; c < channels; c++) out.data[weights + c]! += dy!.data[to + o]! * x!.data[from + c]!;
      }
    });
  },
  lower: ({ inputs: [x, dy], attrs, out, act, tuning, temporary }) => {
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const dims = { ...attrs, batch, height, width, channels, outChannels: out.shape[0]! };
    const partial = temporary(4 * partialFloats(dims, tuning));
    return kernel<Operand>(dims, { x: x!, dy: dy!, partial, out }, { act, tuning });
  },
  gradient: notDifferentiable,
};
