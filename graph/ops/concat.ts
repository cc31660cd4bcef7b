// concat: tensors one after another along one axis.

import { sizeOf } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';
import { lowerConcatPart } from './shared/strided.js';

export interface ConcatAttrs {
  readonly axis: number;
}

export const concat: CoreRule<ConcatAttrs> = {
  infer(inputs, { axis }) {
    const first = required(inputs, 0, 'concat');
    const shapes = inputs.map((_, i) => required(inputs, i, 'concat'));
    expectShapes(
      shapes.every(s => s.length === first.length && s.every((n, a) => a === axis || n === first[a])),
      'concat',
      `shapes must be equal but for axis ${axis}`,
      ...shapes,
    );
    return first.map((n, a) => (a === axis ? shapes.reduce((sum, s) => sum + s[axis]!, 0) : n));
  },
  reference(inputs, { axis }, out) {
    const outer = sizeOf(out.shape.slice(0, axis));
    const pitch = sizeOf(out.shape.slice(axis));
    let offset = 0;
    for (const x of inputs) {
      const part = sizeOf(x!.shape.slice(axis));
      for (let o = 0; o < outer; o++) out.data.set(x!.data.subarray(o * part, (o + 1) * part), o * pitch + offset);
      offset += part;
    }
  },
  lower: ({ inputs, attrs, out, act }) => {
    let offset = 0;
    return inputs.map(x => {
      const call = lowerConcatPart(x!, attrs.axis, offset, out, act);
      offset += sizeOf(x!.shape.slice(attrs.axis));
      return call;
    });
  },
};
