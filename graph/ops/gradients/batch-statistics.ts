// batch-statistics: mean and population variance of each channel, over all axes but the last. Input x […,C] → [2,C].

import {
  batchStatistics as kernel,
  batchStatisticsPartial as partialFloats,
} from '../../../gpu/kernels/norm/batch-statistics.js';
import { sizeOf } from '../../graph.js';
import type { Operand, TrainingRule } from '../../rule.js';
import { last, required } from '../shared/expect.js';

export const batchStatistics: TrainingRule<Record<never, never>> = {
  infer: inputs => [2, last(required(inputs, 0, 'batchStatistics'))],
  reference([x], _attrs, out) {
    const c = last(x!.shape);
    const m = x!.data.length / c;
    x!.data.forEach((value, i) => {
      out.data[i % c]! += value / m;
    });
    x!.data.forEach((value, i) => {
      out.data[c + (i % c)]! += (value - out.data[i % c]!) ** 2 / m;
    });
  },
  lower: ({ inputs: [x], out, act, temporary }) => {
    const c = last(x!.shape);
    const dims = { m: sizeOf(x!.shape) / c, c };
    const partial = temporary(4 * partialFloats(dims));
    return kernel<Operand>(dims, { x: x!, partial, statistics: out }, { act });
  },
  // dmean / m + 2 dvariance (x - mean) / m
  gradient(b, { inputs, out, dy }) {
    const x = inputs[0]!;
    const c = last(x.shape);
    const share = b.scalar(c / sizeOf(x.shape));
    const row = (t: typeof out, i: number) => b.reshape(b.slice(t, { axis: 0, start: i, end: i + 1 }), [c]);
    const ofVariance = b.mul(b.sub(x, row(out, 0)), b.mul(row(dy, 1), b.mul(share, b.scalar(2))));
    return [b.add(ofVariance, b.mul(row(dy, 0), share))];
  },
};
