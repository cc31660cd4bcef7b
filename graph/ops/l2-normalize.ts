// l2-normalize: x / max(|x|, eps) over the last axis (torch.nn.functional.normalize).

import { l2Normalize as kernel } from '../../gpu/kernels/norm/l2-normalize.js';
import { sizeOf } from '../graph.js';
import type { CompositeRule } from '../rule.js';
import { last } from './shared/expect.js';

export interface L2NormalizeAttrs {
  readonly eps: number;
}

export const l2Normalize: CompositeRule<L2NormalizeAttrs> = {
  expand(b, [x], { eps }) {
    const norm = b.sqrt(b.sum(b.square(x!), [x!.shape.length - 1]));
    return b.div(x!, b.max(norm, b.scalar(eps)));
  },
  lower: ({ inputs, attrs, out, act }) => {
    const n = last(out.shape);
    return [kernel({ m: sizeOf(out.shape) / n, n, eps: attrs.eps }, { x: inputs[0]!, out }, { act })];
  },
};
