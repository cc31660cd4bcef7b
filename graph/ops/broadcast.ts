// broadcast: a tensor repeated to a larger shape, as numpy.broadcast_to.

import type { Shape } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { broadcastStrides } from './binary.js';
import { expectShapes, required } from './shared/expect.js';
import { copyStrided, lowerStridedCopy } from './shared/strided.js';

export interface BroadcastAttrs {
  readonly shape: Shape;
}

export const broadcast: CoreRule<BroadcastAttrs> = {
  infer(inputs, { shape }) {
    const x = required(inputs, 0, 'broadcast');
    const missing = shape.length - x.length;
    expectShapes(
      missing >= 0 && x.every((n, axis) => n === 1 || n === shape[axis + missing]),
      'broadcast',
      'x must stretch to the shape',
      x,
      shape,
    );
    return shape;
  },
  reference([x], _attrs, out) {
    copyStrided(x!.data, broadcastStrides(x!.shape, out.shape), 0, out);
  },
  lower: ({ inputs, out, act }) => [
    lowerStridedCopy(inputs[0]!, broadcastStrides(inputs[0]!.shape, out.shape), 0, out, act),
  ],
};
