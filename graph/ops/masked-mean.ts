// masked-mean: T_g of the reference: the mean over the words, padding left out. Inputs x [B,L,C], mask [B,L] → [B,C].

import { maskedMean as kernel } from '../../gpu/kernels/reduction/masked-mean.js';
import type { CompositeRule } from '../rule.js';

export const maskedMean: CompositeRule<Record<never, never>> = {
  slots: ['act', 'index'],
  expand(b, [x, mask]) {
    const [batch, , channels] = x!.shape as [number, number, number];
    // The mask's integers as numbers, [B,L,1]: a table of two rows reads them, and no kernel mistakes their bits.
    const weights = b.embedding(b.constant([0, 1], [2, 1]), mask!);
    const total = b.sum(b.mul(x!, weights), [1]);
    return b.reshape(b.div(total, b.sum(weights, [1])), [batch, channels]);
  },
  lower: ({ inputs, out, act }) => {
    const [batch, length, channels] = inputs[0]!.shape as [number, number, number];
    return [kernel({ batch, length, channels }, { x: inputs[0]!, mask: inputs[1]!, out }, { act })];
  },
};
