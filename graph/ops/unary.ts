// unary: one number in, one number out, elementwise. Kind by kind below; `alpha` is leakyRelu's slope.

import { unary as kernel } from '../../gpu/kernels/elementwise/unary.js';
import { sizeOf } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { erf } from './shared/erf.js';
import { required } from './shared/expect.js';

const formulas = {
  neg: x => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: x => 1 / Math.sqrt(x),
  reciprocal: x => 1 / x,
  square: x => x * x,
  sigmoid: x => 1 / (1 + Math.exp(-x)),
  softplus: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gelu: x => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  leakyRelu: (x, alpha) => (x >= 0 ? x : alpha * x),
  step: x => (x > 0 ? 1 : 0),
} satisfies Record<string, (x: number, alpha: number) => number>;

export type UnaryKind = keyof typeof formulas;

export interface UnaryAttrs {
  readonly kind: UnaryKind;
  readonly alpha?: number;
}

export const unary: CoreRule<UnaryAttrs> = {
  infer: inputs => required(inputs, 0, 'unary'),
  reference([x], { kind, alpha = 0 }, out) {
    const formula: (x: number, alpha: number) => number = formulas[kind];
    for (let i = 0; i < out.data.length; i++) out.data[i] = formula(x!.data[i]!, alpha);
  },
  lower: ({ inputs, attrs, out, act }) => [
    kernel({ count: sizeOf(out.shape), kind: attrs.kind, slope: attrs.alpha ?? 0 }, { x: inputs[0]!, out }, { act }),
  ],
};
