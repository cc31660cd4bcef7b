// LayerNorms with what stands around them: layerNorm(x + y) and y + layerNorm(x) become one norm-residual,
// layerNorm(depthwise(x)) one depthwise-norm.

import { makeNode } from '../builder.js';
import { type Outputs, sameShape, type Tensor } from '../graph.js';
import { asOp, compose, rewritePass } from './rewrite.js';

/** layerNorm(depthwise(x)) and layerNorm(x + y). */
const fuseBefore = rewritePass((node, original, { uses }) => {
  const norm = asOp(node, 'layerNorm');
  if (!norm || uses(original.inputs[0]!) > 1) return undefined;
  const [x, weight, bias] = norm.inputs as [Tensor, Tensor | null, Tensor | null];
  const convolved = asOp(x, 'depthwise');
  if (convolved) {
    const [map, taps, shift] = convolved.inputs as [Tensor, Tensor, Tensor | null];
    return makeNode('depthwiseNorm', [map, taps, shift, weight, bias], norm.attrs);
  }
  const sum = asOp(x, 'binary');
  if (sum?.attrs.kind !== 'add' || !sameShape(sum.inputs[0]!.shape, sum.inputs[1]!.shape)) return undefined;
  return makeNode('normResidual', [sum.inputs[0]!, weight, bias, sum.inputs[1]!, null], norm.attrs);
});

/** y + layerNorm(x), the norm on either side. */
const fuseAfter = rewritePass((node, original, { uses }) => {
  const sum = asOp(node, 'binary');
  if (sum?.attrs.kind !== 'add' || !sameShape(sum.inputs[0]!.shape, sum.inputs[1]!.shape)) return undefined;
  for (const side of [1, 0] as const) {
    const plain = asOp(sum.inputs[side], 'layerNorm');
    const fused = asOp(sum.inputs[side], 'normResidual');
    if (uses(original.inputs[side]!) > 1) continue;
    const post = sum.inputs[1 - side]!;
    if (plain) return makeNode('normResidual', [...plain.inputs, null, post], plain.attrs);
    if (fused && !fused.inputs[4]) return makeNode('normResidual', [...fused.inputs.slice(0, 4), post], fused.attrs);
  }
  return undefined;
});

export const fuseNorm: (outputs: Outputs) => Outputs = compose(fuseBefore, fuseAfter);
