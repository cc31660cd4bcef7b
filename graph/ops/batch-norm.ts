// batch-norm: (x - mean) / sqrt(var + eps) · weight + bias over the last axis, with statistics given: running ones in
// evaluation, the batch's in training. Inputs x […,C], weight, bias, mean, variance (each [C], or broadcastable).

import type { CompositeRule } from '../rule.js';

export interface BatchNormAttrs {
  readonly eps: number;
}

export const batchNorm: CompositeRule<BatchNormAttrs> = {
  expand(b, inputs, { eps }) {
    const [x, weight, bias, mean, variance] = inputs.map(t => t!);
    const scale = b.mul(weight!, b.rsqrt(b.add(variance!, b.scalar(eps))));
    return b.add(b.mul(b.sub(x!, mean!), scale), bias!);
  },
};
