// packed-attention: attention whose queries, keys and values are channel ranges of wider tensors, as one merged projection
// leaves them. Inputs q source [B,N,Cq], k source and v source [B,L,…] (one tensor may stand in several places), mask [B,L].

import type { CompositeRule } from '../../rule.js';
import { lowerAttention } from '../shared/lower-attention.js';

export interface PackedAttentionAttrs {
  readonly heads: number;
  /** Width of q, k and v, and where each begins in its source. */
  readonly channels: number;
  readonly offsets: readonly [q: number, k: number, v: number];
}

export const packedAttention: CompositeRule<PackedAttentionAttrs> = {
  slots: ['act', 'act', 'act', 'index'],
  expand(b, [q, k, v, mask], { heads, channels, offsets }) {
    const part = (t: typeof q, start: number) => b.slice(t!, { axis: 2, start, end: start + channels });
    return b.attention(part(q, offsets[0]), part(k, offsets[1]), part(v, offsets[2]), mask ?? null, { heads });
  },
  lower: ({ inputs: [q, k, v, mask], attrs, out, act, tuning }) => {
    const part = (t: typeof q, offset: number) => ({ tensor: t!, offset, pitch: t!.shape[2]! });
    const [qo, ko, vo] = attrs.offsets;
    return [lowerAttention(part(q, qo), part(k, ko), part(v, vo), mask ?? null, attrs.heads, out, { act, tuning })];
  },
};
