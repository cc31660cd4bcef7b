// max-pool-gradient: each window's dy goes to the place of its largest number, the first one in a row-major window where
// several are equal. x [B,H,W,C], dy as the pooled map → [B,H,W,C].

import { maxPoolGradient as kernel } from '../../../gpu/kernels/convolution/max-pool-gradient.js';
import { sameShape } from '../../graph.js';
import type { TrainingRule } from '../../rule.js';
import { type MaxPoolAttrs, pooledShape } from '../max-pool.js';
import { winners } from '../oracle.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export const maxPoolGradient: TrainingRule<MaxPoolAttrs> = {
  infer(inputs, attrs) {
    const [x, dy] = [required(inputs, 0, 'maxPoolGradient'), required(inputs, 1, 'maxPoolGradient')];
    const fits = sameShape(pooledShape(x, attrs, 'maxPoolGradient'), dy);
    expectShapes(fits, 'maxPoolGradient', 'dy must be what pooling makes of x', x, dy);
    return x;
  },
  reference([x, dy], attrs, out) {
    winners(x!, dy!.shape, attrs).forEach((place, i) => {
      out.data[place]! += dy!.data[i]!;
    });
  },
  lower: ({ inputs: [x, dy], attrs, out, act }) => {
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const [, outHeight, outWidth] = dy!.shape as [number, number, number];
    const dims = { batch, height, width, channels, outHeight, outWidth, ...attrs };
    return [kernel(dims, { x: x!, dy: dy!, out }, { act })];
  },
  gradient: notDifferentiable,
};
