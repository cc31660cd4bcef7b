// reshape: the same numbers in the same order under another shape. A view: no kernel, no memory.

import { type Shape, sizeOf } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';

export interface ReshapeAttrs {
  readonly shape: Shape;
}

export const reshape: CoreRule<ReshapeAttrs> = {
  infer(inputs, { shape }) {
    const x = required(inputs, 0, 'reshape');
    expectShapes(sizeOf(x) === sizeOf(shape), 'reshape', 'sizes must be equal', x, shape);
    return shape;
  },
  reference([x], _attrs, out) {
    out.data.set(x!.data);
  },
  lower: () => [],
};
