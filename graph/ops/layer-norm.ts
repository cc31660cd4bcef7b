// layer-norm: y = (x - mean) / sqrt(var + eps) · weight + bias over the last axis, population variance.
// Inputs x […,C], weight [C] and bias [C] (optional, together).

import type { CoreRule } from '../rule.js';
import { expectShapes, last, optionalVector, required } from './shared/expect.js';
import { lowerLayerNorm } from './shared/lower-layer-norm.js';

export interface LayerNormAttrs {
  readonly eps: number;
}

export const layerNorm: CoreRule<LayerNormAttrs> = {
  slots: ['act', 'vector', 'vector'],
  infer(inputs) {
    const x = required(inputs, 0, 'layerNorm');
    optionalVector(inputs, 1, last(x), 'layerNorm');
    optionalVector(inputs, 2, last(x), 'layerNorm');
    expectShapes((inputs[1] ?? null) === null || inputs[2], 'layerNorm', 'weight and bias come together', x);
    return x;
  },
  lower: ({ inputs, attrs, out, act, tuning }) => [
    lowerLayerNorm({ x: inputs[0]!, weight: inputs[1] ?? null, bias: inputs[2] ?? null }, attrs.eps, out, {
      act,
      tuning,
    }),
  ],
};
