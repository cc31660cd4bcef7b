// norm-residual: layerNorm(x + pre) + post. Inputs x, weight, bias (optional, together), pre, post (optional, like x).

import type { CompositeRule } from '../../rule.js';
import type { LayerNormAttrs } from '../layer-norm.js';
import { lowerLayerNorm } from '../shared/lower-layer-norm.js';

export const normResidual: CompositeRule<LayerNormAttrs> = {
  slots: ['act', 'vector', 'vector', 'act', 'act'],
  expand(b, [x, weight, bias, pre, post], { eps }) {
    const y = b.layerNorm(pre ? b.add(x!, pre) : x!, weight ?? null, bias ?? null, { eps });
    return post ? b.add(y, post) : y;
  },
  lower: ({ inputs: [x, weight, bias, pre, post], attrs, out, act, tuning }) => [
    lowerLayerNorm(
      { x: x!, weight: weight ?? null, bias: bias ?? null, pre: pre ?? null, post: post ?? null },
      attrs.eps,
      out,
      { act, tuning },
    ),
  ],
};
