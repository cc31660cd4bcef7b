// fused-linear: activation(x Wᵀ scale + b + rows) + residual, stored as it is or as r x r pixel blocks (DCR).
// Inputs x […,K], W [N,K], b [N], rows [P,N] (added to row m as rows[m mod P]), residual […,N],
// scale [N] (of an int8 W); all but the first two optional.

import type { Tensor } from '../../graph.js';
import type { CompositeRule } from '../../rule.js';
import { type Activation, activate } from '../activation.js';
import { lowerLinear } from '../shared/lower-linear.js';
import { dequantized } from './dequantized.js';

export interface FusedLinearAttrs {
  readonly activation: Activation;
  /** Block side of a depth-to-space store; 1 for none. With a residual it must be 1. */
  readonly block: number;
}

export const fusedLinear: CompositeRule<FusedLinearAttrs> = {
  slots: ['act', 'weight', 'vector', 'vector', 'act', 'vector'],
  expand(b, [x, weight, bias, rows, residual, scale], { activation, block }) {
    let y: Tensor = b.linear(x!, dequantized(b, weight!, scale), bias ?? null);
    if (rows) {
      const [period, n] = rows.shape as [number, number];
      const shape = y.shape;
      y = b.reshape(b.add(b.reshape(y, [-1, period, n]), rows), shape);
    }
    y = activate(b, y, activation);
    if (residual) y = b.add(y, residual);
    return block === 1 ? y : b.depthToSpace(y, { block, order: 'DCR' });
  },
  lower: ({ inputs: [x, weight, bias, rows, residual, scale], attrs, out, act, weight: storage, tuning, temporary }) =>
    lowerLinear(
      {
        ...{ x: x!, weight: weight!, bias: bias ?? null, rows: rows ?? null },
        ...{ residual: residual ?? null, scale: scale ?? null },
        ...attrs,
      },
      out,
      { act, weight: storage, tuning, temporary },
    ),
};
