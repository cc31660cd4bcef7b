// batch-norm-gradient: the derivatives of batch-norm-training by x, weight and bias, in one tensor, for they share sums: with
// n = (x - mean) / sqrt(variance + eps), g = dy where y > 0 and slope dy elsewhere, over m rows: dweight = Σ g n, dbias = Σ g,
// dx = weight (g - (dbias + n dweight) / m) / sqrt(variance + eps). dx, then dweight and dbias [C], flattened one after another.
// Inputs x […,C], weight [C], statistics [2,C], y and dy like x.

import {
  batchNormGradient as kernel,
  batchNormGradientPartial as partialFloats,
} from '../../../gpu/kernels/norm/batch-norm.js';
import { type Shape, sameShape, sizeOf, type Tensor } from '../../graph.js';
import type { Operand, TrainingRule } from '../../rule.js';
import { expectShapes, last, optionalVector, required } from '../shared/expect.js';
import { type BatchNormTrainingAttrs, expectStatistics, normaliser } from './batch-norm-training.js';
import { notDifferentiable } from './gradient.js';

/** Lengths of dx, dweight and dbias. */
const partSizes = ([x]: readonly (Shape | null)[]): number[] => [sizeOf(x!), last(x!), last(x!)];

export const batchNormGradient: TrainingRule<BatchNormTrainingAttrs> = {
  slots: ['act', 'vector', 'vector', 'act', 'act'],
  infer(inputs) {
    const [x, , statistics, y, dy] = [0, 1, 2, 3, 4].map(i => required(inputs, i, 'batchNormGradient'));
    optionalVector(inputs, 1, last(x!), 'batchNormGradient');
    expectStatistics('batchNormGradient', x!, statistics!);
    const alike = sameShape(x!, y!) && sameShape(x!, dy!);
    expectShapes(alike, 'batchNormGradient', 'x, y and dy must be alike', x!, y!, dy!);
    return [partSizes(inputs).reduce((sum, size) => sum + size, 0)];
  },
  parts: partSizes,
  reference([x, weight, statistics, y, dy], { eps, slope }, out) {
    const [size, c] = [x!.data.length, last(x!.shape)];
    const normal = normaliser(statistics!, c, eps);
    const g = (i: number) => dy!.data[i]! * (y!.data[i]! > 0 ? 1 : slope);
    const [dweight, dbias] = [out.data.subarray(size, size + c), out.data.subarray(size + c)];
    x!.data.forEach((value, i) => {
      dweight[i % c]! += g(i) * normal(value, i % c);
      dbias[i % c]! += g(i);
    });
    x!.data.forEach((value, i) => {
      const k = i % c;
      const common = ((dbias[k]! + normal(value, k) * dweight[k]!) * c) / size;
      out.data[i] = ((g(i) - common) * weight!.data[k]!) / Math.sqrt(statistics!.data[c + k]! + eps);
    });
  },
  lower: ({ inputs, attrs, act, parts, temporary }) => {
    const [x, weight, statistics, y, dy] = inputs as Tensor[];
    const [dx, dweight, dbias] = parts as [Tensor, Tensor, Tensor];
    const c = last(x!.shape);
    const dims = { ...attrs, m: sizeOf(x!.shape) / c, c };
    const partial = temporary(4 * partialFloats(dims));
    const given = { x: x!, weight: weight!, statistics: statistics!, y: y!, dy: dy! };
    return kernel<Operand>(dims, { ...given, partial, dx, dweight, dbias }, { act });
  },
  gradient: notDifferentiable,
};
