// A linear and its epilogue: constant rows, activation, residual, block store, each only where nobody else reads the
// value in between.

import { makeNode } from '../builder.js';
import { findLoadTime, type OpTensor, type Outputs, sameShape, type Tensor } from '../graph.js';
import { activationOf } from '../ops/activation.js';
import { asOp, compose, type RewriteRule, rewritePass } from './rewrite.js';

type Fused = NonNullable<ReturnType<typeof asOp<'fusedLinear'>>>;

export function asFusedLinear(t: Tensor | null | undefined): Fused | undefined {
  const linear = asOp(t, 'linear');
  if (!linear) return asOp(t, 'fusedLinear');
  return asOp(makeNode('fusedLinear', [...linear.inputs, null, null], { activation: 'none', block: 1 }), 'fusedLinear');
}

/** The fused linear behind input `side`, if only this node reads it and it has had no epilogue beyond `rows` yet. */
function open(node: OpTensor, original: OpTensor, side: number, uses: (t: Tensor) => number): Fused | undefined {
  const fused = uses(original.inputs[side]!) === 1 ? asFusedLinear(node.inputs[side]) : undefined;
  return fused && fused.attrs.block === 1 && !fused.inputs[4] ? fused : undefined;
}

function withInput(fused: Fused, index: number, t: Tensor): OpTensor {
  return makeNode(
    'fusedLinear',
    fused.inputs.map((input, i) => (i === index ? t : input)),
    fused.attrs,
  );
}

/** linear + rows known at load: [P,N] with P dividing the rows of the output. */
function fuseRows(outputs: Outputs): Outputs {
  const known = findLoadTime(outputs);
  return rewritePass((node, original, { uses }) => {
    const sum = asOp(node, 'binary');
    const fused = sum?.attrs.kind === 'add' ? open(node, original, 0, uses) : undefined;
    const rows = node.inputs[1];
    if (!fused || !rows || !known.has(original.inputs[1]!) || known.has(original)) return undefined;
    const plain = fused.attrs.activation === 'none' && !fused.inputs[3];
    const fits = rows.shape.length === 2 && fused.shape.length === 3 && sameShape(rows.shape, fused.shape.slice(1));
    return plain && fits ? withInput(fused, 3, rows) : undefined;
  })(outputs);
}

const fuseActivation: RewriteRule = (node, original, { uses }) => {
  const activation = activationOf(asOp(node, 'unary')?.attrs);
  const fused = activation === 'none' ? undefined : open(node, original, 0, uses);
  if (fused?.attrs.activation !== 'none') return undefined;
  return makeNode('fusedLinear', fused.inputs, { ...fused.attrs, activation });
};

const fuseResidual: RewriteRule = (node, original, { uses }) => {
  const sum = asOp(node, 'binary');
  if (sum?.attrs.kind !== 'add' || !sameShape(sum.inputs[0]!.shape, sum.inputs[1]!.shape)) return undefined;
  for (const side of [1, 0] as const) {
    const fused = open(node, original, side, uses);
    if (fused) return withInput(fused, 4, sum.inputs[1 - side]!);
  }
  return undefined;
};

const fuseShuffle: RewriteRule = (node, original, { uses }) => {
  const shuffle = asOp(node, 'depthToSpace');
  const fused = shuffle?.attrs.order === 'DCR' ? open(node, original, 0, uses) : undefined;
  return fused && shuffle
    ? makeNode('fusedLinear', fused.inputs, { ...fused.attrs, block: shuffle.attrs.block })
    : undefined;
};

export const fuseLinear: (outputs: Outputs) => Outputs = compose(
  fuseRows,
  rewritePass(fuseActivation),
  rewritePass(fuseResidual),
  rewritePass(fuseShuffle),
);
