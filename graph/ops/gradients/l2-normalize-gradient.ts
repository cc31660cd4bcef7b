// l2-normalize-gradient: what x gets back from y = x / max(|x|, eps) over the last axis. Inputs x and dy, alike.
// (dy - y <y,dy>) / |x|, or dy / eps where |x| is at most eps, as torch's clamp_min has it.

import { l2NormalizeGradient as kernel } from '../../../gpu/kernels/norm/l2-normalize-gradient.js';
import { sameShape, sizeOf } from '../../graph.js';
import type { TrainingRule } from '../../rule.js';
import type { L2NormalizeAttrs } from '../l2-normalize.js';
import { expectShapes, last, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export const l2NormalizeGradient: TrainingRule<L2NormalizeAttrs> = {
  infer(inputs) {
    const x = required(inputs, 0, 'l2NormalizeGradient');
    const dy = required(inputs, 1, 'l2NormalizeGradient');
    expectShapes(sameShape(x, dy), 'l2NormalizeGradient', 'x and dy must be alike', x, dy);
    return x;
  },
  reference([x, dy], { eps }, out) {
    const n = last(x!.shape);
    for (let at = 0; at < out.data.length; at += n) {
      const row = x!.data.subarray(at, at + n);
      const back = dy!.data.subarray(at, at + n);
      const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
      const along = norm > eps ? row.reduce((sum, value, i) => sum + value * back[i]!, 0) / norm ** 2 : 0;
      for (let i = 0; i < n; i++) out.data[at + i] = (back[i]! - row[i]! * along) / Math.max(norm, eps);
    }
  },
  lower: ({ inputs: [x, dy], attrs: { eps }, out, act }) => {
    const n = last(out.shape);
    return [kernel({ m: sizeOf(out.shape) / n, n, eps }, { x: x!, dy: dy!, out }, { act })];
  },
  gradient: notDifferentiable,
};
