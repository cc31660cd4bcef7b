// layer-norm: y = (x - mean) / sqrt(var + eps) · weight + bias over the last axis, population variance.
// Inputs x […,C], weight [C] and bias [C] (optional, together).

import type { CoreRule, HostNumbers } from '../rule.js';
import { expectShapes, last, optionalVector, required } from './shared/expect.js';
import { lowerLayerNorm } from './shared/lower-layer-norm.js';

export interface LayerNormAttrs {
  readonly eps: number;
}

/** Mean, and 1 / sqrt(var + eps). */
export function statistics(row: HostNumbers, eps: number): { mean: number; scale: number } {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
  return { mean, scale: 1 / Math.sqrt(variance + eps) };
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
  reference([x, weight, bias], { eps }, out) {
    const n = last(x!.shape);
    for (let at = 0; at < x!.data.length; at += n) {
      const row = x!.data.subarray(at, at + n);
      const { mean, scale } = statistics(row, eps);
      for (let i = 0; i < n; i++)
        out.data[at + i] = (row[i]! - mean) * scale * (weight?.data[i] ?? 1) + (bias?.data[i] ?? 0);
    }
  },
  lower: ({ inputs, attrs, out, act, tuning }) => [
    lowerLayerNorm({ x: inputs[0]!, weight: inputs[1] ?? null, bias: inputs[2] ?? null }, attrs.eps, out, {
      act,
      tuning,
    }),
  ],
};
