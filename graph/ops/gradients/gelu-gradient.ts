// gelu-gradient: dy gelu'(x), gelu'(x) = P(X <= x) + x density(x) for a standard normal X. Inputs x and dy, alike.

import { geluGradient as kernel } from '../../../gpu/kernels/elementwise/gelu-gradient.js';
import { sameShape, sizeOf } from '../../graph.js';
import type { TrainingRule } from '../../rule.js';
import { erf } from '../shared/erf.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

const slope = (x: number): number =>
  0.5 * (1 + erf(x * Math.SQRT1_2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);

export const geluGradient: TrainingRule<Record<never, never>> = {
  infer(inputs) {
    const x = required(inputs, 0, 'geluGradient');
    const dy = required(inputs, 1, 'geluGradient');
    expectShapes(sameShape(x, dy), 'geluGradient', 'x and dy must be alike', x, dy);
    return x;
  },
  reference([x, dy], _attrs, out) {
    for (let i = 0; i < out.data.length; i++) out.data[i] = dy!.data[i]! * slope(x!.data[i]!);
  },
  lower: ({ inputs: [x, dy], out, act }) => [kernel({ count: sizeOf(out.shape) }, { x: x!, dy: dy!, out }, { act })],
  gradient: notDifferentiable,
};
