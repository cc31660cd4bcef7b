// linear-input-gradient: dx[…,k] = Σ_n dy[…,n] W[n,k]. Inputs dy […,N], W [N,K].

import { linearInputGradient as kernel } from '../../../gpu/kernels/matmul/linear-input-gradient.js';
import { sizeOf } from '../../graph.js';
import type { CompositeRule } from '../../rule.js';

export const linearInputGradient: CompositeRule<Record<never, never>> = {
  slots: ['act', 'weight'],
  expand: (b, [dy, weight]) => b.linear(dy!, b.transpose(weight!)),
  lower: ({ inputs: [dy, weight], out, act, weight: storage, tuning }) => {
    const [n, k] = weight!.shape as [number, number];
    return [
      kernel({ m: sizeOf(dy!.shape) / n, n, k }, { dy: dy!, weight: weight!, out }, { act, weight: storage, tuning }),
    ];
  },
};
