// fused-conv2d: gate · activation(scale conv2d(concat(x, x2), W) + b), stored as it is or as r x r pixel blocks.
// Inputs x [B,H,W,C1], x2 [B,H,W,C2] (optional), W [O,kh,kw,C1+C2], b [O] (optional), gate [B,Ho,Wo,1] (optional),
// scale [O] (of an int8 W; optional).

import type { CompositeRule } from '../../rule.js';
import { type Activation, activate } from '../activation.js';
import type { Conv2dAttrs } from '../conv2d.js';
import type { DepthToSpaceAttrs } from '../depth-to-space.js';
import { lowerConv2d } from '../shared/lower-conv2d.js';
import { dequantized } from './dequantized.js';

export interface FusedConv2dAttrs extends Conv2dAttrs, DepthToSpaceAttrs {
  readonly activation: Activation;
}

export const fusedConv2d: CompositeRule<FusedConv2dAttrs> = {
  slots: ['act', 'act', 'weight', 'vector', 'act', 'vector'],
  expand(b, [x, x2, weight, bias, gate, scale], { stride, padding, activation, block, order }) {
    const source = x2 ? b.concat([x!, x2], { axis: 3 }) : x!;
    let y = activate(
      b,
      b.conv2d(source, dequantized(b, weight!, scale), bias ?? null, { stride, padding }),
      activation,
    );
    if (gate) y = b.mul(y, gate);
    return block === 1 ? y : b.depthToSpace(y, { block, order });
  },
  lower: ({ inputs: [x, x2, weight, bias, gate, scale], attrs, out, act, weight: storage, tuning }) => [
    lowerConv2d(
      {
        ...{ x: x!, x2: x2 ?? null, weight: weight!, bias: bias ?? null },
        ...{ gate: gate ?? null, scale: scale ?? null },
      },
      attrs,
      out,
      { act, weight: storage, tuning },
    ),
  ],
};
