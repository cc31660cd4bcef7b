// What whole numbers and their scales stand for: W[n,…] s[n], in f32. One scale for each index of the first axis.

import type { Builder } from '../../builder.js';
import { isLeaf, type Tensor, topological } from '../../graph.js';

/** weight [N,…] as it is, or times scale [N] where there is one. */
export function dequantized(b: Builder, weight: Tensor, scale: Tensor | null | undefined): Tensor {
  if (!scale) return weight;
  const column = b.reshape(scale, [scale.shape[0]!, ...weight.shape.slice(1).map(() => 1)]);
  return { ...b.mul(weight, column), dtype: 'f32' };
}

/** Whether a tensor is made from whole numbers and their scales. */
export const readsInt8 = (tensor: Tensor): boolean =>
  topological([tensor]).some(t => isLeaf(t) && t.op === 'parameter' && t.dtype === 'i8');
