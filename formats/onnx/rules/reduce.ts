// reduce: ReduceSum, ReduceMean, ReduceMax. The pixels of a map are summed in whichever layout it is.

import type { ReduceAttrs } from '../../../graph/ops/reduce.js';
import type { OnnxRule } from '../rule.js';

const NODES = { sum: 'ReduceSum', mean: 'ReduceMean', max: 'ReduceMax' } as const;

export const reduce: OnnxRule<ReduceAttrs> = {
  width: 'wide',
  emit(c) {
    const { kind, axes } = c.attrs;
    const pixels = c.out.shape.length === 4 && axes.length === 2 && axes[0] === 1 && axes[1] === 2;
    const layout = pixels && c.layout() === 'first' ? 'first' : 'last';
    const over = c.integers(layout === 'first' ? [2, 3] : axes);
    return { name: c.node(NODES[kind], [c.value(0, layout), over], { keepdims: 1 }), layout };
  },
};
