// linear-weight-gradient: dW[n,k] = Σ_m dy[m,n] x[m,k], m over all axes but the last. Inputs x […,K], dy […,N] → [N,K].

import {
  linearWeightGradient as kernel,
  linearWeightGradientPartial as partialFloats,
} from '../../../gpu/kernels/matmul/linear-weight-gradient.js';
import { sizeOf } from '../../graph.js';
import type { CompositeRule, Operand } from '../../rule.js';
import { last } from '../shared/expect.js';

export const linearWeightGradient: CompositeRule<Record<never, never>> = {
  expand(b, [x, dy]) {
    const columns = (t: typeof x) => b.transpose(b.reshape(t!, [-1, last(t!.shape)]));
    return b.linear(columns(dy), columns(x));
  },
  lower: ({ inputs: [x, dy], out, act, tuning, temporary }) => {
    const [n, k] = out.shape as [number, number];
    const dims = { m: sizeOf(x!.shape) / k, n, k };
    const partial = temporary(4 * partialFloats(dims, tuning));
    return kernel<Operand>(dims, { x: x!, dy: dy!, partial, out }, { act, tuning });
  },
};
