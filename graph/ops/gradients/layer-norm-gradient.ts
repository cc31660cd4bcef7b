// layer-norm-gradient: the derivatives of LayerNorm. With n = (x - mean) / sqrt(var + eps) and g = dy weight:
// dx = (g - mean(g) - n mean(g n)) / sqrt(var + eps), means over the last axis; dweight = Σ dy n and dbias = Σ dy over the others.
// Inputs x […,C], weight [C] (optional), dy. In one tensor, for they share the rows' statistics: dx, and with a weight dweight
// and dbias [C], flattened one after another.

import {
  layerNormGradient as kernel,
  layerNormGradientPartial as partialFloats,
} from '../../../gpu/kernels/norm/layer-norm-gradient.js';
import { type Shape, sameShape, sizeOf, type Tensor } from '../../graph.js';
import type { Operand, TrainingRule } from '../../rule.js';
import type { LayerNormAttrs } from '../layer-norm.js';
import { statistics } from '../oracle.js';
import { expectShapes, last, optionalVector, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

/** Lengths of dx and, where there is a weight, of dweight and dbias. */
const partSizes = ([x, weight]: readonly (Shape | null)[]): number[] =>
  weight ? [sizeOf(x!), weight[0]!, weight[0]!] : [sizeOf(x!)];

export const layerNormGradient: TrainingRule<LayerNormAttrs> = {
  slots: ['act', 'vector', 'act'],
  infer(inputs) {
    const x = required(inputs, 0, 'layerNormGradient');
    const dy = required(inputs, 2, 'layerNormGradient');
    optionalVector(inputs, 1, last(x), 'layerNormGradient');
    expectShapes(sameShape(x, dy), 'layerNormGradient', 'x and dy must be alike', x, dy);
    return [partSizes(inputs).reduce((sum, size) => sum + size, 0)];
  },
  parts: partSizes,
  reference([x, weight, dy], { eps }, out) {
    const n = last(x!.shape);
    const [dweight, dbias] = [x!.data.length, x!.data.length + n];
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
      for (let i = 0; i < n; i++) {
        out.data[at + i] = (g(i) - first - normal(i) * second) * scale;
        if (!weight) continue;
        out.data[dweight + i]! += dy!.data[at + i]! * normal(i);
        out.data[dbias + i]! += dy!.data[at + i]!;
      }
    }
  },
  lower: ({ inputs: [x, weight, dy], attrs: { eps }, act, parts, temporary }) => {
    const c = last(x!.shape);
    const m = sizeOf(x!.shape) / c;
    const [dx, dweight, dbias] = parts as [Tensor, Tensor?, Tensor?];
    const statistics = temporary(4 * 2 * m);
    const sums = dweight && dbias ? { dweight, dbias, partial: temporary(4 * partialFloats({ m, c })) } : {};
    const operands = { x: x!, dy: dy!, weight: weight ?? null, dx, statistics, ...sums };
    return kernel<Operand>({ m, c, eps }, operands, { act });
  },
  gradient: notDifferentiable,
};
