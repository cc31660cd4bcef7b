// Ops that move numbers and change none: reshape, permute, broadcast, slice, concat, depth-to-space.

import { check } from '../../../errors/index.js';
import type { BroadcastAttrs } from '../../../graph/ops/broadcast.js';
import type { ConcatAttrs } from '../../../graph/ops/concat.js';
import type { DepthToSpaceAttrs } from '../../../graph/ops/depth-to-space.js';
import type { PermuteAttrs } from '../../../graph/ops/permute.js';
import type { ReshapeAttrs } from '../../../graph/ops/reshape.js';
import type { SliceAttrs } from '../../../graph/ops/slice.js';
import { type Dim, sameDim } from '../dims.js';
import type { OnnxRule } from '../rule.js';

/** ONNX's Reshape: 0 takes the side over from the input, -1, once, what is left. */
function target(from: readonly Dim[], to: readonly Dim[]): number[] {
  const taken = to.map((dim, axis) => (dim.symbol ? (sameDim(dim, from[axis]) ? 0 : -1) : dim.size));
  const loose = taken.filter(n => n === -1).length;
  check(loose < 2, 'INTERNAL', () => `emitOnnx: a reshape may leave one side open, got ${taken}; split it in two`);
  return taken;
}

export const reshape: OnnxRule<ReshapeAttrs> = {
  width: 'follow',
  emit(c) {
    const shape = c.integers(target(c.dims(c.inputs[0]!), c.dims(c.out)));
    return { name: c.node('Reshape', [c.value(0), shape]), layout: 'last' };
  },
};

export const permute: OnnxRule<PermuteAttrs> = {
  width: 'follow',
  emit: c => ({ name: c.node('Transpose', [c.value(0)], { perm: c.attrs.order }), layout: 'last' }),
};

/** A side that the caller chooses is that of the input, which 1 leaves as it is. */
export const broadcast: OnnxRule<BroadcastAttrs> = {
  width: 'follow',
  emit(c) {
    const shape = c.dims(c.out).map(({ size, symbol }) => (symbol ? 1 : size));
    return { name: c.node('Expand', [c.value(0), c.integers(shape)]), layout: 'last' };
  },
};

export const slice: OnnxRule<SliceAttrs> = {
  width: 'follow',
  emit(c) {
    const { axis, start, end } = c.attrs;
    const range = [c.integers([start]), c.integers([end]), c.integers([axis])];
    return { name: c.node('Slice', [c.value(0), ...range]), layout: 'last' };
  },
};

export const concat: OnnxRule<ConcatAttrs> = {
  width: 'narrow',
  emit(c) {
    const layout = c.out.shape.length === 4 && c.attrs.axis === 3 ? (c.layout() ?? 'first') : 'last';
    const parts = c.inputs.map((_, i) => c.value(i, layout));
    return { name: c.node('Concat', parts, { axis: layout === 'first' ? 1 : c.attrs.axis }), layout };
  },
};

export const depthToSpace: OnnxRule<DepthToSpaceAttrs> = {
  width: 'follow',
  emit(c) {
    const { block, order } = c.attrs;
    return { name: c.node('DepthToSpace', [c.value(0, 'first')], { blocksize: block, mode: order }), layout: 'first' };
  },
};
