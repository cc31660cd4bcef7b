// A convolution with the concatenation before it and its epilogue: activation, gate, pixel shuffle.

import { makeNode } from '../builder.js';
import type { OpTensor, Outputs, Tensor } from '../graph.js';
import { activationOf } from '../ops/activation.js';
import { asOp, compose, type RewriteRule, rewritePass } from './rewrite.js';

type Fused = NonNullable<ReturnType<typeof asOp<'fusedConv2d'>>>;

export function asFusedConv2d(t: Tensor | null | undefined): Fused | undefined {
  const conv = asOp(t, 'conv2d');
  if (!conv) return asOp(t, 'fusedConv2d');
  const [x, weight, bias] = conv.inputs;
  const attrs = { ...conv.attrs, activation: 'none', block: 1, order: 'CRD' } as const;
  return asOp(makeNode('fusedConv2d', [x!, null, weight!, bias ?? null, null], attrs), 'fusedConv2d');
}

/** The convolution behind input 0, if only this node reads it and nothing is shuffled yet. */
function open(node: OpTensor, original: OpTensor, uses: (t: Tensor) => number): Fused | undefined {
  const fused = uses(original.inputs[0]!) === 1 ? asFusedConv2d(node.inputs[0]) : undefined;
  return fused?.attrs.block === 1 ? fused : undefined;
}

const fuseConcat: RewriteRule = (node, original, { uses }) => {
  const source = asOp(asOp(node, 'conv2d')?.inputs[0], 'concat');
  if (source?.attrs.axis !== 3 || source.inputs.length !== 2 || uses(original.inputs[0]!) > 1) return undefined;
  const fused = asFusedConv2d(node)!;
  return makeNode('fusedConv2d', [...source.inputs, ...fused.inputs.slice(2)], fused.attrs);
};

const fuseActivation: RewriteRule = (node, original, { uses }) => {
  const activation = activationOf(asOp(node, 'unary')?.attrs);
  // A convolution's epilogue has no gelu.
  const fused = activation === 'leakyRelu' || activation === 'relu' ? open(node, original, uses) : undefined;
  if (fused?.attrs.activation !== 'none' || fused.inputs[4]) return undefined;
  return makeNode('fusedConv2d', fused.inputs, { ...fused.attrs, activation });
};

const fuseGate: RewriteRule = (node, original, { uses }) => {
  const product = asOp(node, 'binary');
  const gate = node.inputs[1];
  const fused = product?.attrs.kind === 'mul' && gate?.shape[3] === 1 ? open(node, original, uses) : undefined;
  if (!fused || fused.inputs[4]) return undefined;
  return makeNode('fusedConv2d', [...fused.inputs.slice(0, 4), gate!], fused.attrs);
};

const fuseShuffle: RewriteRule = (node, original, { uses }) => {
  const shuffle = asOp(node, 'depthToSpace');
  const fused = shuffle ? open(node, original, uses) : undefined;
  return fused && shuffle ? makeNode('fusedConv2d', fused.inputs, { ...fused.attrs, ...shuffle.attrs }) : undefined;
};

export const fuseConv2d: (outputs: Outputs) => Outputs = compose(
  rewritePass(fuseConcat),
  rewritePass(fuseActivation),
  rewritePass(fuseGate),
  rewritePass(fuseShuffle),
);
