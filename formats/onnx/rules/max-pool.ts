// max-pool: MaxPool, channels first.

import type { MaxPoolAttrs } from '../../../graph/ops/max-pool.js';
import type { OnnxRule } from '../rule.js';

export const maxPool: OnnxRule<MaxPoolAttrs> = {
  width: 'follow',
  emit(c) {
    const { size, stride, padding } = c.attrs;
    const attrs = {
      kernel_shape: [size, size],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    };
    c.guard(c.value(0, 'first'));
    return { name: c.node('MaxPool', [c.value(0, 'first')], attrs), layout: 'first' };
  },
};
