// attention: multi-head scaled dot-product attention. Inputs q [B,N,C], k and v [B,L,C], mask [B,L] (optional; 0 where not
// attended; a row with nothing to attend to gives zeros). Scale 1/sqrt(C/heads).

import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';
import { lowerAttention } from './shared/lower-attention.js';

export interface AttentionAttrs {
  readonly heads: number;
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
  lower: ({ inputs, attrs, out, act, tuning }) => {
    const [q, k, v, mask] = inputs;
    const channels = out.shape[2]!;
    const whole = (tensor: NonNullable<typeof q>) => ({ tensor, offset: 0, pitch: channels });
    return [lowerAttention(whole(q!), whole(k!), whole(v!), mask ?? null, attrs.heads, out, { act, tuning })];
  },
};
