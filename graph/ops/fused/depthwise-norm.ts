// depthwise-norm: depthwise convolution and a LayerNorm, whose affine half is absent where it is folded into the linear that
// follows. Inputs as depthwise, then the norm's weight and bias [C] (both or neither).

import { depthwiseNorm as kernel } from '../../../gpu/kernels/convolution/depthwise-norm.js';
import type { CompositeRule } from '../../rule.js';
import type { LayerNormAttrs } from '../layer-norm.js';

export const depthwiseNorm: CompositeRule<LayerNormAttrs> = {
  slots: ['act', 'weight', 'vector'],
  expand: (b, [x, weight, bias, gamma, beta], { eps }) =>
    b.layerNorm(b.depthwise(x!, weight!, bias ?? null), gamma ?? null, beta ?? null, { eps }),
  lower: ({ inputs, attrs, out, act, weight, tuning }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [kernelHeight, kernelWidth] = inputs[1]!.shape as [number, number];
    return [
      kernel(
        { batch, height, width, channels, kernelHeight, kernelWidth, eps: attrs.eps },
        {
          ...{ x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null, out },
          ...{ normWeight: inputs[3] ?? null, normBias: inputs[4] ?? null },
        },
        { act, weight, tuning },
      ),
    ];
  },
};
