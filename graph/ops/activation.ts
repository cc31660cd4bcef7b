// The activations that fused ops may carry in their epilogue, and their core form.

import type { Builder } from '../builder.js';
import type { Tensor } from '../graph.js';

export type Activation = 'none' | 'gelu' | 'leakyRelu';

/** Slope of the reference's LeakyReLU for negative numbers; the kernels' epilogues know no other. */
export const LEAKY_SLOPE = 0.01;

export function activate(b: Builder, x: Tensor, activation: Activation): Tensor {
  if (activation === 'gelu') return b.gelu(x);
  return activation === 'leakyRelu' ? b.leakyRelu(x, LEAKY_SLOPE) : x;
}
