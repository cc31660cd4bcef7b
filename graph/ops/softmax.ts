// softmax over the last axis, or its logarithm.

import { softmax as kernel } from '../../gpu/kernels/reduction/softmax.js';
import { sizeOf } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { last, required } from './shared/expect.js';

export interface SoftmaxAttrs {
  readonly log: boolean;
}

export const softmax: CoreRule<SoftmaxAttrs> = {
  infer: inputs => required(inputs, 0, 'softmax'),
  lower: ({ inputs, attrs, out, act }) => {
    const n = last(out.shape);
    return [kernel({ m: sizeOf(out.shape) / n, n, log: attrs.log }, { x: inputs[0]!, out }, { act })];
  },
};
