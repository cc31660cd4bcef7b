// attention: heads apart, two MatMuls and a Softmax between them, heads together. Masked keys get a large negative score and
// a value of zero, so that a text without words gives zeros.

import type { AttentionAttrs } from '../../../graph/ops/attention.js';
import type { OnnxContext, OnnxRule } from '../rule.js';

/** Beyond any difference of scores, and within fp32. */
const NEVER = -1e9;

const FLOAT = 1;
const BOOL = 9;

/** [B,L] → [B,1,1,L] in fp32: 0 for what is attended to. */
function penalty(c: OnnxContext<AttentionAttrs>): string {
  const masked = c.node('Not', [c.node('Cast', [c.value(3)], { to: BOOL })]);
  const ones = c.node('Cast', [c.node('Unsqueeze', [masked, c.integers([1, 2])])], { to: FLOAT });
  return c.node('Mul', [ones, c.wide([NEVER])]);
}

export const attention: OnnxRule<AttentionAttrs> = {
  width: 'narrow',
  emit(c) {
    const { heads } = c.attrs;
    const channels = c.out.shape[2]!;
    const dim = channels / heads;
    // By Cauchy and Schwarz: where their squares are numbers, so are all scores.
    for (const index of [0, 1]) c.guard(c.value(index));
    const parted = (x: string) => c.node('Reshape', [x, c.integers([0, 0, heads, dim])]);
    const q = c.node('Mul', [c.value(0), c.floats([1 / Math.sqrt(dim)])]);
    const queries = c.node('Transpose', [parted(q)], { perm: [0, 2, 1, 3] });
    const keys = c.node('Transpose', [parted(c.value(1))], { perm: [0, 2, 3, 1] });
    let scores = c.widen(c.node('MatMul', [queries, keys]));
    let v = c.value(2);
    if (c.inputs[3]) {
      scores = c.node('Add', [scores, penalty(c)]);
      const kept = c.node('Cast', [c.node('Cast', [c.value(3)], { to: BOOL })], { to: c.typeNumber });
      v = c.node('Mul', [v, c.node('Unsqueeze', [kept, c.integers([2])])]);
    }
    const values = c.node('Transpose', [parted(v)], { perm: [0, 2, 1, 3] });
    const weights = c.narrow(c.node('Softmax', [scores], { axis: -1 }));
    const mixed = c.node('Transpose', [c.node('MatMul', [weights, values])], { perm: [0, 2, 1, 3] });
    return { name: c.node('Reshape', [mixed, c.integers([0, 0, channels])]), layout: 'last' };
  },
};
