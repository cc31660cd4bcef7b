// unary and binary: one number for each, in whichever layout their operands are.

import type { BinaryAttrs, BinaryKind } from '../../../graph/ops/binary.js';
import type { UnaryAttrs, UnaryKind } from '../../../graph/ops/unary.js';
import type { OnnxContext, OnnxRule } from '../rule.js';

type Formula = (c: OnnxContext<UnaryAttrs>, x: string) => string;

const plain =
  (op: string): Formula =>
  (c, x) =>
    c.node(op, [x]);

const unaryNodes: Readonly<Record<UnaryKind, Formula>> = {
  neg: plain('Neg'),
  exp: plain('Exp'),
  log: plain('Log'),
  sqrt: plain('Sqrt'),
  rsqrt: (c, x) => c.node('Reciprocal', [c.node('Sqrt', [x])]),
  reciprocal: plain('Reciprocal'),
  square: (c, x) => c.node('Mul', [x, x]),
  sigmoid: plain('Sigmoid'),
  softplus: plain('Softplus'),
  gelu: plain('Gelu'),
  leakyRelu: (c, x) => c.node('LeakyRelu', [x], { alpha: { float: c.attrs.alpha ?? 0 } }),
  step: (c, x) => c.node('Cast', [c.node('Greater', [x, c.floats([0])])], { to: c.typeNumber }),
};

/** What leaves fp16's range on numbers well within it. */
const WIDE: readonly UnaryKind[] = ['exp', 'log', 'rsqrt', 'reciprocal', 'square', 'softplus'];

export const unary: OnnxRule<UnaryAttrs> = {
  width: ({ kind }) => (WIDE.includes(kind) ? 'wide' : 'follow'),
  emit(c) {
    const layout = c.layout() ?? 'last';
    return { name: unaryNodes[c.attrs.kind](c, c.value(0, layout)), layout };
  },
};

const binaryNodes: Readonly<Record<BinaryKind, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  max: 'Max',
  min: 'Min',
};

export const binary: OnnxRule<BinaryAttrs> = {
  width: ({ kind }) => (kind === 'div' ? 'wide' : 'follow'),
  emit(c) {
    // What is no map is aligned at the last axis: only a single number fits maps of either layout.
    const fits = c.inputs.every(t => t!.shape.length === 4 || t!.shape.every(n => n === 1));
    const layout = c.out.shape.length === 4 && fits ? (c.layout() ?? 'first') : 'last';
    const [x, y] = [c.value(0, layout), c.value(1, layout)];
    if (c.attrs.kind === 'div') c.guard(y);
    return { name: c.node(binaryNodes[c.attrs.kind], [x, y]), layout };
  },
};
