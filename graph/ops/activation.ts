// The activations that fused ops may carry in their epilogue, and their core form.

import type { Builder } from '../builder.js';
import type { Tensor } from '../graph.js';
import type { UnaryAttrs } from './unary.js';

export type Activation = 'none' | 'gelu' | 'leakyRelu' | 'relu';

/** Slopes for negative numbers; the kernels' epilogues know no others. */
const SLOPES = { leakyRelu: 0.01, relu: 0 } as const;

export function activate(b: Builder, x: Tensor, activation: Activation): Tensor {
  if (activation === 'none') return x;
  return activation === 'gelu' ? b.gelu(x) : b.leakyRelu(x, SLOPES[activation]);
}

/** The activation that an elementwise op is; none, where an epilogue has no such one. */
export function activationOf(unary: UnaryAttrs | undefined): Activation {
  if (unary?.kind === 'gelu') return 'gelu';
  if (unary?.kind !== 'leakyRelu') return 'none';
  const slope = unary.alpha ?? 0;
  if (slope === SLOPES.relu) return 'relu';
  return slope === SLOPES.leakyRelu ? 'leakyRelu' : 'none';
}
