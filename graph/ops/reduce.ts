// reduce: sum, mean or max over one or more neighbouring axes; the reduced axes stay with size 1.

import { reduce as kernel } from '../../gpu/kernels/reduction/reduce.js';
import { type Shape, sizeOf } from '../graph.js';
import type { CoreRule, Operand } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';

export interface ReduceAttrs {
  readonly kind: 'sum' | 'mean' | 'max';
  /** Ascending and neighbouring, so that the tensor reads as [outer, n, inner]. */
  readonly axes: readonly number[];
}

function view(shape: Shape, axes: readonly number[]): { outer: number; n: number; inner: number } {
  const [first, end] = [axes[0]!, axes[axes.length - 1]! + 1];
  return { outer: sizeOf(shape.slice(0, first)), n: sizeOf(shape.slice(first, end)), inner: sizeOf(shape.slice(end)) };
}

/** From here on one call would leave most of a device idle: a bias's gradient, a batch's statistics, a loss. */
const LONG = 512;

/** The divisor of n that is nearest to its root from below; 1 for primes. */
function partsOf(n: number): number {
  let parts = Math.floor(Math.sqrt(n));
  while (n % parts !== 0) parts--;
  return parts;
}

export const reduce: CoreRule<ReduceAttrs> = {
  infer(inputs, { axes }) {
    const x = required(inputs, 0, 'reduce');
    expectShapes(
      axes.length > 0 && axes.every((a, i) => a >= 0 && a < x.length && (i === 0 || a === axes[i - 1]! + 1)),
      'reduce',
      `axes ${axes.join(',')} must be neighbours within the shape`,
      x,
    );
    return x.map((n, axis) => (axes.includes(axis) ? 1 : n));
  },
  reference([x], { kind, axes }, out) {
    const { outer, n, inner } = view(x!.shape, axes);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        let total = kind === 'max' ? Number.NEGATIVE_INFINITY : 0;
        for (let k = 0; k < n; k++) {
          const value = x!.data[(o * n + k) * inner + i]!;
          total = kind === 'max' ? Math.max(total, value) : total + value;
        }
        out.data[o * inner + i] = kind === 'mean' ? total / n : total;
      }
  },
  lower: ({ inputs, attrs: { axes, kind }, out, act, tuning, temporary }) => {
    const x = inputs[0]!;
    const { outer, n, inner } = view(x.shape, axes);
    const parts = act === 'f32' && outer === 1 && n >= LONG ? partsOf(n) : 1;
    if (parts === 1) return [kernel({ outer, n, inner, kind }, { x, out }, { act, tuning })];
    // Parts are of one length, so the mean of their means is the mean.
    const partial = temporary(4 * parts * inner);
    return [
      kernel<Operand>({ outer: parts, n: n / parts, inner, kind }, { x, out: partial }, { act, tuning }),
      kernel<Operand>({ outer, n: parts, inner, kind }, { x: partial, out }, { act, tuning }),
    ];
  },
};
