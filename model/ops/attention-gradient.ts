// attention-gradient: the derivatives of attention by q, k and v, in one tensor, for they share the probabilities:
// dq [B,N,C], then dk and dv [B,L,C], flattened one after another. With P = softmax(q kᵀ / sqrt(d)) and dP = dy vᵀ of one head:
// dS = P (dP - Σ_l P dP), dq = dS k / sqrt(d), dk = dSᵀ q / sqrt(d), dv = Pᵀ dy (arXiv:2205.14135, appendix B.2).
// Inputs q, k, v and mask as attention; dy [B,N,C].

import { sameShape, sizeOf } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { type AttentionAttrs, attention, probabilities } from './attention.js';
import { expectShapes, required } from './expect.js';
import { notDifferentiable, withoutKernel } from './gradient.js';

export const attentionGradient: CoreRule<AttentionAttrs> = {
  slots: ['act', 'act', 'act', 'index', 'act'],
  infer(inputs, attrs) {
    const q = attention.infer(inputs, attrs);
    const dy = required(inputs, 4, 'attentionGradient');
    expectShapes(sameShape(q, dy), 'attentionGradient', 'q and dy must be alike', q, dy);
    return [sizeOf(q) + 2 * sizeOf(inputs[1]!)];
  },
  reference([q, k, v, mask, dy], { heads }, out) {
    const dim = q!.shape[2]! / heads;
    const scale = 1 / Math.sqrt(dim);
    const [dq, dk, dv] = [0, q!.data.length, q!.data.length + k!.data.length] as [number, number, number];
    probabilities(q!, k!, mask ?? null, heads, (row, columns, p) => {
      const dp = p.map((_, l) => {
        let dot = 0;
        for (let c = 0; c < dim; c++) dot += dy!.data[row + c]! * v!.data[columns[l]! + c]!;
        return dot;
      });
      const mean = dp.reduce((sum, value, l) => sum + value * p[l]!, 0);
      columns.forEach((column, l) => {
        const ds = p[l]! * (dp[l]! - mean) * scale;
        for (let c = 0; c < dim; c++) {
          out.data[dq + row + c]! += ds * k!.data[column + c]!;
          out.data[dk + column + c]! += ds * q!.data[row + c]!;
          out.data[dv + column + c]! += p[l]! * dy!.data[row + c]!;
        }
      });
    });
  },
  lower: withoutKernel,
  gradient: notDifferentiable,
};
