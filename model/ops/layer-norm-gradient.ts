// layer-norm-gradient: the derivative of LayerNorm by its input. With n = (x - mean) / sqrt(var + eps) and g = dy weight:
// dx = (g - mean(g) - n mean(g n)) / sqrt(var + eps), means over the last axis. Inputs x […,C], weight [C] (optional), dy.

import { layerNormGradient as kernel } from '../../gpu/kernels/layer-norm-gradient.js';
import { sameShape, sizeOf } from '../graph.js';
import type { CoreRule, Operand } from '../rule.js';
import { expectShapes, last, optionalVector, required } from './expect.js';
import { notDifferentiable } from './gradient.js';
import { type LayerNormAttrs, statistics } from './layer-norm.js';

export const layerNormGradient: CoreRule<LayerNormAttrs> = {
  slots: ['act', 'vector', 'act'],
  infer(inputs) {
    const x = required(inputs, 0, 'layerNormGradient');
    const dy = required(inputs, 2, 'layerNormGradient');
    optionalVector(inputs, 1, last(x), 'layerNormGradient');
    expectShapes(sameShape(x, dy), 'layerNormGradient', 'x and dy must be alike', x, dy);
    return x;
  },
  reference([x, weight, dy], { eps }, out) {
    const n = last(x!.shape);
    for (let at = 0; at < x!.data.length; at += n) {
      const row = x!.data.subarray(at, at + n);
      const { mean, scale } = statistics(row, eps);
      const g = (i: number) => dy!.data[at + i]! * (weight?.data[i] ?? 1);
      const normal = (i: number) => (row[i]! - mean) * scale;
      let [first, second] = [0, 0];
      for (let i = 0; i < n; i++) {
        first += g(i) / n;
        second += (g(i) * normal(i)) / n;
      }
      for (let i = 0; i < n; i++) out.data[at + i] = (g(i) - first - normal(i) * second) * scale;
    }
  },
  lower: ({ inputs: [x, weight, dy], attrs: { eps }, out, act, temporary }) => {
    const c = last(out.shape);
    const m = sizeOf(out.shape) / c;
    const statistics = temporary(4 * 2 * m);
    return kernel<Operand>({ m, c, eps }, { x: x!, dy: dy!, weight: weight ?? null, dx: out, statistics }, { act });
  },
  gradient: notDifferentiable,
};
