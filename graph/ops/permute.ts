// permute: axes in another order, as torch.permute.

import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';
import { contiguousStrides, copyStrided, lowerStridedCopy } from './shared/strided.js';

export interface PermuteAttrs {
  /** `order[i]` is the input axis that becomes axis i. */
  readonly order: readonly number[];
}

export const permute: CoreRule<PermuteAttrs> = {
  infer(inputs, { order }) {
    const x = required(inputs, 0, 'permute');
    expectShapes(
      order.length === x.length && new Set(order).size === x.length && order.every(a => a >= 0 && a < x.length),
      'permute',
      `order ${order.join(',')} must name every axis once`,
      x,
    );
    return order.map(axis => x[axis]!);
  },
  reference([x], { order }, out) {
    const strides = contiguousStrides(x!.shape);
    copyStrided(
      x!.data,
      order.map(axis => strides[axis]!),
      0,
      out,
    );
  },
  lower: ({ inputs, attrs, out, act }) => {
    const strides = contiguousStrides(inputs[0]!.shape);
    return [
      lowerStridedCopy(
        inputs[0]!,
        attrs.order.map(axis => strides[axis]!),
        0,
        out,
        act,
      ),
    ];
  },
};
