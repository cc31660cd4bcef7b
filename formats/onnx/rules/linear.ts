// linear: MatMul with the weight transposed at load, then Add.

import { builder as b } from '../../../graph/builder.js';
import type { OnnxContext, OnnxRule } from '../rule.js';

/** x W + b over the last axis; `weight` [K,N] and `bias` [N] by name. */
export function affine(c: OnnxContext<object>, x: string, weight: string, bias: string | null): string {
  const product = c.node('MatMul', [x, weight]);
  return bias === null ? product : c.node('Add', [product, bias]);
}

export const linear: OnnxRule<object> = {
  width: 'narrow',
  emit(c) {
    const weight = c.isKnown(1)
      ? c.weight(b.transpose(c.inputs[1]!), 1)
      : c.node('Transpose', [c.value(1)], { perm: [1, 0] });
    return { name: affine(c, c.value(0), weight, c.inputs[2] ? c.value(2) : null), layout: 'last' };
  },
};
