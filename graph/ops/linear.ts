// linear: y[…,n] = Σ_k x[…,k] W[n,k] + b[n]. Inputs x, W [N,K], b [N] (optional). As torch.nn.Linear; `linear(a, b)` of two
// activations is a bᵀ.

import type { CoreRule, HostNumbers } from '../rule.js';
import { expectShapes, last, optionalVector, required } from './shared/expect.js';
import { lowerLinear } from './shared/lower-linear.js';

/**
 * Eight scalar products over k, which do not wait for one another: of a from `a0` and `a1` with b from `b0` and three more
 * places, a pitch apart. Plain variables throughout: this is the inner loop of opening a model.
 */
function products(
  a: HostNumbers,
  a0: number,
  a1: number,
  b: HostNumbers,
  b0: number,
  pitch: number,
  k: number,
  sums: Float64Array,
) {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let t0 = 0;
  let t1 = 0;
  let t2 = 0;
  let t3 = 0;
  for (let i = 0; i < k; i++) {
    const s = a[a0 + i]!;
    const t = a[a1 + i]!;
    const x = b[b0 + i]!;
    s0 += s * x;
    t0 += t * x;
    const y = b[b0 + pitch + i]!;
    s1 += s * y;
    t1 += t * y;
    const z = b[b0 + 2 * pitch + i]!;
    s2 += s * z;
    t2 += t * z;
    const w = b[b0 + 3 * pitch + i]!;
    s3 += s * w;
    t3 += t * w;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  sums[4] = t0;
  sums[5] = t1;
  sums[6] = t2;
  sums[7] = t3;
}

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
    const [from, to] = [x!.data, w!.data];
    const sums = new Float64Array(8);
    // Two rows by four columns at a time, the last ones overlapping the ones before; column by column where there are fewer.
    const width = n < 4 ? 1 : 4;
    const pitch = n < 4 ? 0 : k;
    for (let left = 0; left < n; left += width) {
      const j = Math.min(left, n - width);
      for (let m = 0; m < rows; m += 2) {
        const next = Math.min(m + 1, rows - 1);
        products(from, m * k, next * k, to, j * k, pitch, k, sums);
        for (let c = 0; c < width; c++) {
          const start = bias?.data[j + c] ?? 0;
          out.data[m * n + j + c] = start + sums[c]!;
          out.data[next * n + j + c] = start + sums[4 + c]!;
        }
      }
    }
  },
  lower: ({ inputs, out, ...storage }) =>
    lowerLinear({ x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null }, out, storage),
};
