// depthwise: Conv with a group for each channel.

import { builder as b } from '../../../graph/builder.js';
import type { OnnxRule } from '../rule.js';

export const depthwise: OnnxRule<object> = {
  width: 'narrow',
  emit(c) {
    const [kh, kw, channels] = c.inputs[1]!.shape as [number, number, number];
    const weight = c.known(b.reshape(b.permute(c.inputs[1]!, [2, 0, 1]), [channels, 1, kh, kw]));
    const [y, x] = [kh >> 1, kw >> 1];
    const attrs = { kernel_shape: [kh, kw], pads: [y, x, y, x], group: channels };
    const bias = c.inputs[2] ? [c.value(2)] : [];
    return { name: c.node('Conv', [c.value(0, 'first'), weight, ...bias], attrs), layout: 'first' };
  },
};
