// layer-norm: LayerNormalization over the last axis; its statistics are fp32 in any type.

import type { LayerNormAttrs } from '../../../graph/ops/layer-norm.js';
import type { OnnxRule } from '../rule.js';

export const layerNorm: OnnxRule<LayerNormAttrs> = {
  width: 'narrow',
  emit(c) {
    const channels = c.out.shape[c.out.shape.length - 1]!;
    c.guard(c.value(0));
    const scale = c.inputs[1] ? c.value(1) : c.floats(new Array<number>(channels).fill(1));
    const shift = c.inputs[2] ? [c.value(2)] : [];
    const attrs = { axis: -1, epsilon: { float: c.attrs.eps } };
    return { name: c.node('LayerNormalization', [c.value(0), scale, ...shift], attrs), layout: 'last' };
  },
};
