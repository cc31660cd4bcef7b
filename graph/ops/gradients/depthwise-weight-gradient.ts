// depthwise-weight-gradient: the derivative of a depthwise convolution by its weight: dW[ky,kx,c] = Σ_{b,oy,ox} dy[b,oy,ox,c]
// x[b,oy+ky-kh/2,ox+kx-kw/2,c]. Inputs x and dy [B,H,W,C] → [kh,kw,C].

import {
  depthwiseWeightGradient as kernel,
  depthwiseWeightGradientPartial as partialFloats,
} from '../../../gpu/kernels/convolution/depthwise-gradient.js';
import { sameShape } from '../../graph.js';
import type { Operand, TrainingRule } from '../../rule.js';
import { eachDepthwiseTap } from '../oracle.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export interface DepthwiseWeightGradientAttrs {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
}

export const depthwiseWeightGradient: TrainingRule<DepthwiseWeightGradientAttrs> = {
  infer(inputs, { kernelHeight, kernelWidth }) {
    const x = required(inputs, 0, 'depthwiseWeightGradient');
    const dy = required(inputs, 1, 'depthwiseWeightGradient');
    expectShapes(
      x.length === 4 && sameShape(x, dy),
      'depthwiseWeightGradient',
      'x and dy [B,H,W,C] must be alike',
      x,
      dy,
    );
    return [kernelHeight, kernelWidth, x[3]!];
  },
  reference([x, dy], _attrs, out) {
    const channels = out.shape[2]!;
    eachDepthwiseTap(x!.shape, out.shape, (from, weights, to) => {
      for (let c = 0; c < channels; c++) out.data[weights + c]! += dy!.data[to + c]! * x!.data[from + c]!;
    });
  },
  lower: ({ inputs: [x, dy], attrs, out, act, tuning, temporary }) => {
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const dims = { ...attrs, batch, height, width, channels };
    const partial = temporary(4 * partialFloats(dims, tuning));
    return kernel<Operand>(dims, { x: x!, dy: dy!, partial, out }, { act, tuning });
  },
  gradient: notDifferentiable,
};
