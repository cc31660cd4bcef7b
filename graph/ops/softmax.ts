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
  reference([x], { log }, out) {
    const n = last(x!.shape);
    for (let at = 0; at < x!.data.length; at += n) {
      const row = x!.data.subarray(at, at + n);
      const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const total = row.reduce((a, b) => a + Math.exp(b - max), 0);
      for (let i = 0; i < n; i++)
        out.data[at + i] = log ? row[i]! - max - Math.log(total) : Math.exp(row[i]! - max) / total;
    }
  },
  lower: ({ inputs, attrs, out, act }) => {
    const n = last(out.shape);
    return [kernel({ m: sizeOf(out.shape) / n, n, log: attrs.log }, { x: inputs[0]!, out }, { act })];
  },
};
