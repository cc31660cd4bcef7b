// A per-channel factor into the linear before it: linear(x, W, b) · s = linear(x, W s, b s). ConvNeXt's layer scale.

import { builder as b } from '../builder.js';
import { findLoadTime, type Outputs } from '../graph.js';
import { asOp, rewritePass } from './rewrite.js';

export function foldLayerScale(outputs: Outputs): Outputs {
  const known = findLoadTime(outputs);
  return rewritePass((node, original, { uses }) => {
    const product = asOp(node, 'binary');
    const linear = asOp(product?.inputs[0], 'linear');
    const scale = product?.inputs[1];
    if (product?.attrs.kind !== 'mul' || !linear || !scale || !known.has(original.inputs[1]!)) return undefined;
    const [n] = linear.inputs[1]!.shape as [number];
    if (scale.shape.length !== 1 || scale.shape[0] !== n || uses(original.inputs[0]!) > 1) return undefined;
    const bias = linear.inputs[2];
    return b.linear(
      linear.inputs[0]!,
      b.mul(linear.inputs[1]!, b.reshape(scale, [n, 1])),
      bias ? b.mul(bias, scale) : null,
    );
  })(outputs);
}
