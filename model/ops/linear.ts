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
    for (let m = 0; m < rows; m++) {
      for (let j = 0; j < n; j++) {
        let sum = bias?.data[j] ?? 0;
        for (let i = 0; i < k; i++) sum += x!.data[m * k + i]! * w!.data[j * k + i]!;
        out.data[m * n + j] = sum;
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
