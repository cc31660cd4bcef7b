// batch-norm-training: BatchNorm with the batch's own statistics, and the leaky ReLU behind it:
// leaky((x - mean) / sqrt(variance + eps) weight + bias). Inputs x […,C], weight [C], bias [C], statistics [2,C]: those of x
// (`batchStatistics`), and differentiated as such: the derivative by x is the whole one, and there is none by the statistics.

import { batchNorm as kernel } from '../../../gpu/kernels/norm/batch-norm.js';
import { type Shape, sizeOf } from '../../graph.js';
import type { NdArray, TrainingRule } from '../../rule.js';
import { expectShapes, last, optionalVector, required } from '../shared/expect.js';

export interface BatchNormTrainingAttrs {
  readonly eps: number;
  /** The slope of the leaky ReLU: 0 makes it a ReLU, 1 leaves it out. */
  readonly slope: number;
}

/** (x - mean) / sqrt(variance + eps) of channel c. */
export function normaliser({ data }: NdArray, channels: number, eps: number): (x: number, c: number) => number {
  return (x, c) => (x - data[c]!) / Math.sqrt(data[channels + c]! + eps);
}

/** Throws SHAPE_MISMATCH unless `statistics` is [2,C] for x […,C]. */
export function expectStatistics(where: string, x: Shape, statistics: Shape): void {
  const fits = statistics.length === 2 && statistics[0] === 2 && statistics[1] === last(x);
  expectShapes(fits, where, 'x […,C] and statistics [2,C] must agree in C', x, statistics);
}

export const batchNormTraining: TrainingRule<BatchNormTrainingAttrs> = {
  slots: ['act', 'vector', 'vector', 'vector'],
  infer(inputs) {
    const x = required(inputs, 0, 'batchNormTraining');
    for (const i of [1, 2]) {
      required(inputs, i, 'batchNormTraining');
      optionalVector(inputs, i, last(x), 'batchNormTraining');
    }
    expectStatistics('batchNormTraining', x, required(inputs, 3, 'batchNormTraining'));
    return x;
  },
  reference([x, weight, bias, statistics], { eps, slope }, out) {
    const channels = last(x!.shape);
    const normal = normaliser(statistics!, channels, eps);
    x!.data.forEach((value, i) => {
      const c = i % channels;
      const y = normal(value, c) * weight!.data[c]! + bias!.data[c]!;
      out.data[i] = y > 0 ? y : slope * y;
    });
  },
  lower: ({ inputs: [x, weight, bias, statistics], attrs, out, act }) => {
    const c = last(out.shape);
    const dims = { ...attrs, m: sizeOf(out.shape) / c, c };
    return [kernel(dims, { x: x!, weight: weight!, bias: bias!, statistics: statistics!, out }, { act })];
  },
  gradient(b, { inputs: [x, weight, , statistics], out, attrs, dy }) {
    const [size, c] = [sizeOf(x!.shape), last(x!.shape)];
    const all = b.batchNormGradient(x!, weight!, statistics!, out, dy, attrs);
    const part = (start: number, shape: Shape) =>
      b.reshape(b.slice(all, { axis: 0, start, end: start + sizeOf(shape) }), shape);
    return [part(0, x!.shape), part(size, [c]), part(size + c, [c]), null];
  },
};
