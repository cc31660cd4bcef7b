// attention-gradient: the derivatives of attention by q, k and v, in one tensor, for they share the probabilities:
// dq [B,N,C], then dk and dv [B,L,C], flattened one after another. With P = softmax(q kᵀ / sqrt(d)) and dP = dy vᵀ of one head:
// dS = P (dP - Σ_l P dP), dq = dS k / sqrt(d), dk = dSᵀ q / sqrt(d), dv = Pᵀ dy (arXiv:2205.14135, appendix B.2).
// Inputs q, k, v and mask as attention; dy [B,N,C].

import {
  attentionGradient as kernel,
  attentionGradientStatistics as statisticsFloats,
} from '../../../gpu/kernels/attention/attention-gradient.js';
import { sameShape, sizeOf, type Tensor } from '../../graph.js';
import type { Operand, TrainingRule } from '../../rule.js';
import { type AttentionAttrs, attention } from '../attention.js';
import { probabilities } from '../oracle.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export const attentionGradient: TrainingRule<AttentionAttrs> = {
  slots: ['act', 'act', 'act', 'index', 'act'],
  infer(inputs, attrs) {
    const q = attention.infer(inputs, attrs);
    const dy = required(inputs, 4, 'attentionGradient');
    expectShapes(sameShape(q, dy), 'attentionGradient', 'q and dy must be alike', q, dy);
    return [sizeOf(q) + 2 * sizeOf(inputs[1]!)];
  },
  parts: ([q, k]) => [sizeOf(q!), sizeOf(k!), sizeOf(k!)],
  reference([q, k, v, mask, dy], { heads }, out) {
    const channels = q!.shape[2]!;
    const dim = channels / heads;
    const scale = 1 / Math.sqrt(dim);
    const dk = sizeOf(q!.shape);
    const dv = dk + sizeOf(k!.shape);
    const dp = new Float64Array(k!.shape[1]!);
    probabilities(q!, k!, mask ?? null, heads, (row, first, p) => {
      let mean = 0;
      for (let l = 0; l < p.length; l++) {
        dp[l] = 0;
        for (let c = 0; c < dim; c++) dp[l]! += dy!.data[row + c]! * v!.data[first + l * channels + c]!;
        mean += p[l]! * dp[l]!;
      }
      for (let l = 0; l < p.length; l++) {
        const column = first + l * channels;
        const ds = p[l]! * (dp[l]! - mean) * scale;
        for (let c = 0; c < dim; c++) {
          out.data[row + c]! += ds * k!.data[column + c]!;
          out.data[dk + column + c]! += ds * q!.data[row + c]!;
          out.data[dv + column + c]! += p[l]! * dy!.data[row + c]!;
        }
      }
    });
  },
  lower: ({ inputs: [q, k, v, mask, dy], attrs: { heads }, act, tuning, parts, temporary }) => {
    const [batch, queries, channels] = q!.shape as [number, number, number];
    const [dq, dk, dv] = parts as [Tensor, Tensor, Tensor];
    const dims = { batch, queries, keys: k!.shape[1]!, heads, headDim: channels / heads };
    const statistics = temporary(4 * statisticsFloats(dims));
    return kernel<Operand>(
      dims,
      { q: q!, k: k!, v: v!, mask: mask ?? null, dy: dy!, statistics, dq, dk, dv },
      { act, tuning },
    );
  },
  gradient: notDifferentiable,
};
