// ltem: the language-guided gate of a decoded map (LTEM, section 3.2.3, equation 2). Inputs features [B,H,W,C], text [B,C]
// → [B,2H,2W,1]: softmax over the sub-regions of cos(feature, text) / tau, times their number, so that the mean is 1
// and the map gates rather than shrinks; then bilinear x2.

import { ltem as kernel } from '../../gpu/kernels/attention/ltem.js';
import type { CompositeRule, Operand } from '../rule.js';

export interface LtemAttrs {
  readonly tau: number;
}

export const NORMALIZE_EPS = 1e-12;

export const ltem: CompositeRule<LtemAttrs> = {
  expand(b, [features, text], { tau }) {
    const [batch, height, width, channels] = features!.shape as [number, number, number, number];
    const regions = height * width;
    const f = b.l2Normalize(b.reshape(features!, [batch, regions, channels]), { eps: NORMALIZE_EPS });
    const t = b.reshape(b.l2Normalize(text!, { eps: NORMALIZE_EPS }), [batch, 1, channels]);
    const similarity = b.reshape(b.sum(b.mul(f, t), [2]), [batch, regions]);
    const weights = b.mul(b.softmax(b.mul(similarity, b.scalar(1 / tau))), b.scalar(regions));
    return b.resize(b.reshape(weights, [batch, height, width, 1]), { height: 2 * height, width: 2 * width });
  },
  lower: ({ inputs, attrs, out, act, tuning, temporary }) => {
    const [batch, height, width, channels] = inputs[0]!.shape as [number, number, number, number];
    const similarity = temporary(4 * batch * height * width);
    return kernel<Operand>(
      { batch, height, width, channels, tau: attrs.tau },
      { x: inputs[0]!, text: inputs[1]!, similarity, out },
      { act, tuning },
    );
  },
};
