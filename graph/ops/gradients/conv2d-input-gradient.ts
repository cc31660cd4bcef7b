// conv2d-input-gradient: the derivative of a convolution by its input: dx[b,y,x,c] = Σ dy[b,oy,ox,o] W[o,ky,kx,c] over all
// that read the place, y = oy stride + ky - padding. Inputs dy [B,Ho,Wo,O], W [O,kh,kw,C] → [B,H,W,C].

import { conv2dInputGradient as kernel } from '../../../gpu/kernels/convolution/conv2d-input-gradient.js';
import type { TrainingRule } from '../../rule.js';
import { type Conv2dAttrs, convolvedSide } from '../conv2d.js';
import { eachTap } from '../oracle.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export interface Conv2dInputGradientAttrs extends Conv2dAttrs {
  /** Height of the convolution's input. */
  readonly height: number;
  readonly width: number;
}

export const conv2dInputGradient: TrainingRule<Conv2dInputGradientAttrs> = {
  slots: ['act', 'weight'],
  infer(inputs, attrs) {
    const dy = required(inputs, 0, 'conv2dInputGradient');
    const w = required(inputs, 1, 'conv2dInputGradient');
    const { height, width } = attrs;
    expectShapes(
      dy.length === 4 &&
        w.length === 4 &&
        dy[1] === convolvedSide(height, w[1]!, attrs) &&
        dy[2] === convolvedSide(width, w[2]!, attrs) &&
        dy[3] === w[0],
      'conv2dInputGradient',
      `dy must be what W [O,kh,kw,C] makes of ${height} x ${width}`,
      dy,
      w,
    );
    return [dy[0]!, height, width, w[3]!];
  },
  reference([dy, w], attrs, out) {
    const [outChannels, kh, kw, channels] = w!.shape as [number, number, number, number];
    eachTap(out.shape, w!.shape, dy!.shape, attrs, (from, tap, to) => {
      for (let o = 0; o < outChannels; o++) {
        const weights = o * kh * kw * channels + tap;
        for (let c = 0; c < channels; c++) out.data[from + c]! += dy!.data[to + o]! * w!.data[weights + c]!;
      }
    });
  },
  lower: ({ inputs: [dy, w], attrs: { stride, padding }, out, act, weight, tuning }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [outChannels, kernelHeight, kernelWidth] = w!.shape as [number, number, number];
    const dims = { batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride, padding };
    return [kernel(dims, { dy: dy!, weight: w!, out }, { act, weight, tuning })];
  },
  gradient: notDifferentiable,
};
