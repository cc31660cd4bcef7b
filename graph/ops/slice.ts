// slice: a range of one axis.

import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';
import { contiguousStrides, copyStrided, lowerStridedCopy } from './shared/strided.js';

export interface SliceAttrs {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

export const slice: CoreRule<SliceAttrs> = {
  infer(inputs, { axis, start, end }) {
    const x = required(inputs, 0, 'slice');
    expectShapes(
      axis >= 0 && axis < x.length && start >= 0 && start < end && end <= x[axis]!,
      'slice',
      `range ${start}..${end} must lie within axis ${axis}`,
      x,
    );
    return x.map((n, a) => (a === axis ? end - start : n));
  },
  reference([x], { axis, start }, out) {
    const strides = contiguousStrides(x!.shape);
    copyStrided(x!.data, strides, start * strides[axis]!, out);
  },
  lower: ({ inputs, attrs, out, act }) => {
    const strides = contiguousStrides(inputs[0]!.shape);
    return [lowerStridedCopy(inputs[0]!, strides, attrs.start * strides[attrs.axis]!, out, act)];
  },
};
