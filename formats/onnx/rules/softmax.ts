// softmax: Softmax or LogSoftmax over the last axis.

import type { SoftmaxAttrs } from '../../../graph/ops/softmax.js';
import type { OnnxRule } from '../rule.js';

export const softmax: OnnxRule<SoftmaxAttrs> = {
  width: 'wide',
  emit(c) {
    c.guard(c.value(0));
    return { name: c.node(c.attrs.log ? 'LogSoftmax' : 'Softmax', [c.value(0)], { axis: -1 }), layout: 'last' };
  },
};
