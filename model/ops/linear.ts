// linear: y[…,n] = Σ_k x[…,k] W[n,k] + b[n]. Inputs x, W [N,K], b [N] (optional). As torch.nn.Linear; `linear(a, b)` of two
// activations is a bᵀ.

import type { CoreRule } from '../rule.js';
import { expectShapes, last, optionalVector, required } from './expect.js';
import { sumRows } from './gradient.js';
import { lowerLinear } from './lower-linear.js';

export const linear: CoreRule<Record<never, never>> = {
  slots: ['act', 'weight', 'vector'],
  infer(inputs) {
    const x = required(inputs, 0, 'linear');
    const w = required(inputs, 1, 'linear');
    expectShapes(
      x.length >= 1 && w.length === 2 && last(x) === w[1],
      'linear',
      'x […,K] and W [N,K] must agree in K',
      x,
      w,
    );
    optionalVector(inputs, 2, w[0]!, 'linear');
    return [...x.slice(0, -1), w[0]!];
  },
  reference([x, w, bias], _attrs, out) {
    const [n, k] = w!.shape as [number, number];
    const rows = x!.data.length / k;
    const [a, b] = [x!.data, w!.data];
    for (let m = 0; m < rows; m++) {
      // Four sums at a time, which do not wait for one another: opening a model multiplies its positional terms here.
      for (let j = 0; j < n; j += 4) {
        const columns = [0, 1, 2, 3].map(c => Math.min(j + c, n - 1));
        let [s0, s1, s2, s3] = columns.map(c => bias?.data[c] ?? 0) as [number, number, number, number];
        const [b0, b1, b2, b3] = columns.map(c => c * k) as [number, number, number, number];
        for (let i = 0; i < k; i++) {
          const value = a[m * k + i]!;
          s0 += value * b[b0 + i]!;
          s1 += value * b[b1 + i]!;
          s2 += value * b[b2 + i]!;
          s3 += value * b[b3 + i]!;
        }
        out.data.set([s0, s1, s2, s3].slice(0, n - j), m * n + j);
      }
    }
  },
  lower: ({ inputs, out, ...storage }) =>
    lowerLinear({ x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null }, out, storage),
  gradient: (b, { inputs: [x, w], dy }) => [
    b.linearInputGradient(dy, w!),
    b.linearWeightGradient(x!, dy),
    sumRows(b, dy),
  ],
};
