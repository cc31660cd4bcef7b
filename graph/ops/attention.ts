// attention: multi-head scaled dot-product attention. Inputs q [B,N,C], k and v [B,L,C], mask [B,L] (optional; 0 where not
// attended; a row with nothing to attend to gives zeros). Scale 1/sqrt(C/heads).

import type { CoreRule, NdArray } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';
import { lowerAttention } from './shared/lower-attention.js';

export interface AttentionAttrs {
  readonly heads: number;
}

/**
 * Calls `visit` for each query of each head that has something to attend to, with the offset of its q [b,n,h,0], the
 * offset of the batch's first key [b,0,h,0], and the probability of each key, 0 where masked; `p` is used again.
 */
export function probabilities(
  q: NdArray,
  k: NdArray,
  mask: NdArray | null,
  heads: number,
  visit: (row: number, column: number, p: Float64Array) => void,
): void {
  const [batch, queries, channels] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  const dim = channels / heads;
  const p = new Float64Array(keys);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let n = 0; n < queries; n++) {
        const row = (b * queries + n) * channels + h * dim;
        const column = b * keys * channels + h * dim;
        let max = Number.NEGATIVE_INFINITY;
        for (let l = 0; l < keys; l++) {
          let dot = 0;
          for (let c = 0; c < dim; c++) dot += q.data[row + c]! * k.data[column + l * channels + c]!;
          p[l] = mask && mask.data[b * keys + l] === 0 ? Number.NEGATIVE_INFINITY : dot / Math.sqrt(dim);
          max = Math.max(max, p[l]!);
        }
        if (max === Number.NEGATIVE_INFINITY) continue;
        let sum = 0;
        for (let l = 0; l < keys; l++) sum += p[l] = Math.exp(p[l]! - max);
        for (let l = 0; l < keys; l++) p[l]! /= sum;
        visit(row, column, p);
      }
}

export const attention: CoreRule<AttentionAttrs> = {
  slots: ['act', 'act', 'act', 'index'],
  infer(inputs, { heads }) {
    const [q, k, v] = [0, 1, 2].map(i => required(inputs, i, 'attention')) as [number[], number[], number[]];
    const mask = inputs[3] ?? null;
    expectShapes(
      q.length === 3 && k.length === 3 && q[0] === k[0] && q[2] === k[2] && k.every((n, i) => n === v[i]),
      'attention',
      'q [B,N,C], k and v [B,L,C] must agree',
      q,
      k,
      v,
    );
    expectShapes(q[2]! % heads === 0, 'attention', `${heads} heads must divide the channels`, q);
    expectShapes(mask === null || (mask[0] === k[0] && mask[1] === k[1]), 'attention', 'mask must be [B,L]', mask, k);
    return q;
  },
  reference([q, k, v, mask], { heads }, out) {
    const channels = q!.shape[2]!;
    const dim = channels / heads;
    probabilities(q!, k!, mask ?? null, heads, (row, column, p) => {
      for (let l = 0; l < p.length; l++)
        for (let c = 0; c < dim; c++) out.data[row + c]! += p[l]! * v!.data[column + l * channels + c]!;
    });
  },
  lower: ({ inputs, attrs, out, act, tuning }) => {
    const [q, k, v, mask] = inputs;
    const channels = out.shape[2]!;
    const whole = (tensor: NonNullable<typeof q>) => ({ tensor, offset: 0, pitch: channels });
    return [lowerAttention(whole(q!), whole(k!), whole(v!), mask ?? null, attrs.heads, out, { act, tuning })];
  },
};
