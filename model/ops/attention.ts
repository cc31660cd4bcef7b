// attention: multi-head scaled dot-product attention. Inputs q [B,N,C], k and v [B,L,C], mask [B,L] (optional; 0 where not
// attended; a row with nothing to attend to gives zeros). Scale 1/sqrt(C/heads).

import { sizeOf, type Tensor } from '../graph.js';
import type { CoreRule, NdArray } from '../rule.js';
import { expectShapes, required } from './expect.js';
import { lowerAttention } from './lower-attention.js';

export interface AttentionAttrs {
  readonly heads: number;
}

/**
 * Calls `visit` for each query of each head that has something to attend to, with the offset of its q [b,n,h,0], the
 * offsets of the keys [b,l,h,0], and the probability of each; 0 where masked.
 */
export function probabilities(
  q: NdArray,
  k: NdArray,
  mask: NdArray | null,
  heads: number,
  visit: (row: number, columns: readonly number[], p: Float64Array) => void,
): void {
  const [batch, queries, channels] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  const dim = channels / heads;
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++) {
      const columns = Array.from({ length: keys }, (_, l) => (b * keys + l) * channels + h * dim);
      for (let n = 0; n < queries; n++) {
        const row = (b * queries + n) * channels + h * dim;
        const scores = Float64Array.from(columns, (column, l) => {
          if (mask && mask.data[b * keys + l] === 0) return Number.NEGATIVE_INFINITY;
          let dot = 0;
          for (let c = 0; c < dim; c++) dot += q.data[row + c]! * k.data[column + c]!;
          return dot / Math.sqrt(dim);
        });
        const max = scores.reduce((a, score) => Math.max(a, score), Number.NEGATIVE_INFINITY);
        if (max === Number.NEGATIVE_INFINITY) continue;
        const weights = scores.map(score => Math.exp(score - max));
        const sum = weights.reduce((a, weight) => a + weight, 0);
        const p = weights.map(weight => weight / sum);
        visit(row, columns, p);
      }
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
    const dim = q!.shape[2]! / heads;
    probabilities(q!, k!, mask ?? null, heads, (row, columns, p) => {
      columns.forEach((column, l) => {
        for (let c = 0; c < dim; c++) out.data[row + c]! += p[l]! * v!.data[column + c]!;
      });
    });
  },
  lower: ({ inputs, attrs, out, act }) => {
    const [q, k, v, mask] = inputs;
    const channels = out.shape[2]!;
    const whole = (tensor: NonNullable<typeof q>) => ({ tensor, offset: 0, pitch: channels });
    return [lowerAttention(whole(q!), whole(k!), whole(v!), mask ?? null, attrs.heads, out, act)];
  },
  gradient(b, { inputs: [q, k, v, mask], attrs, dy }) {
    const packed = b.attentionGradient(q!, k!, v!, mask ?? null, dy, attrs);
    const [n, l] = [sizeOf(q!.shape), sizeOf(k!.shape)];
    const part = (start: number, like: Tensor) =>
      b.reshape(b.slice(packed, { axis: 0, start, end: start + sizeOf(like.shape) }), like.shape);
    return [part(0, q!), part(n, k!), part(n + l, v!), null];
  },
};
