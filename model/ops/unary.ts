// unary: one number in, one number out, elementwise. Kind by kind below; `alpha` is leakyRelu's slope.

import { unary as kernel } from '../../gpu/kernels/unary.js';
import type { Builder } from '../builder.js';
import { sizeOf, type Tensor } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { erf } from './erf.js';
import { required } from './expect.js';

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

/** Below the root of the smallest f32: a guard against 0/0 that changes no other quotient. */
const TINY = 1e-30;

interface Point {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly alpha: number;
}

const times = (b: Builder, x: Tensor, factor: number): Tensor => b.mul(x, b.scalar(factor));

/** dx of each kind, by whichever of x and y needs less. */
const gradients: { readonly [K in UnaryKind]: (b: Builder, at: Point) => Tensor | null } = {
  neg: (b, { dy }) => b.neg(dy),
  exp: (b, { y, dy }) => b.mul(dy, y),
  log: (b, { x, dy }) => b.div(dy, x),
  // At 0 a norm's square root meets dy = 0 (l2-normalize takes its maximum with eps), which must stay 0 and not be 0/0.
  sqrt: (b, { y, dy }) => b.div(times(b, dy, 0.5), b.max(y, b.scalar(TINY))),
  rsqrt: (b, { y, dy }) => b.mul(times(b, dy, -0.5), b.mul(y, b.square(y))),
  reciprocal: (b, { y, dy }) => b.neg(b.mul(dy, b.square(y))),
  square: (b, { x, dy }) => b.mul(b.add(dy, dy), x),
  sigmoid: (b, { y, dy }) => b.mul(dy, b.mul(y, b.sub(b.scalar(1), y))),
  softplus: (b, { x, dy }) => b.mul(dy, b.sigmoid(x)),
  gelu: (b, { x, dy }) => b.geluGradient(x, dy),
  // At 0 the slope is alpha, as torch's.
  leakyRelu: (b, { x, dy, alpha }) => b.mul(dy, b.add(times(b, b.step(x), 1 - alpha), b.scalar(alpha))),
  step: () => null,
};

export const unary: CoreRule<UnaryAttrs> = {
  infer: inputs => required(inputs, 0, 'unary'),
  reference([x], { kind, alpha = 0 }, out) {
    const formula: (x: number, alpha: number) => number = formulas[kind];
    for (let i = 0; i < out.data.length; i++) out.data[i] = formula(x!.data[i]!, alpha);
  },
  lower: ({ inputs, attrs, out, act }) => [
    kernel({ count: sizeOf(out.shape), kind: attrs.kind, slope: attrs.alpha ?? 0 }, { x: inputs[0]!, out }, { act }),
  ],
  gradient: (b, { inputs, out, attrs: { kind, alpha = 0 }, dy }) => [
    gradients[kind](b, { x: inputs[0]!, y: out, dy, alpha }),
  ],
};
