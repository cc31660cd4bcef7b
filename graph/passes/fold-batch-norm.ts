// BatchNorm into the convolution before it: batchNorm(conv2d(x, W, b)) = conv2d(x, W s, (b - mean) s + bias) with
// s = weight / sqrt(var + eps) per output channel. Only running statistics, which are known at load, fold.

import { builder as b } from '../builder.js';
import { findLoadTime, type Outputs } from '../graph.js';
import { asOp, rewritePass } from './rewrite.js';

export function foldBatchNorm(outputs: Outputs): Outputs {
  const known = findLoadTime(outputs);
  return rewritePass((node, original, { uses }) => {
    const norm = asOp(node, 'batchNorm');
    const conv = asOp(norm?.inputs[0], 'conv2d');
    if (!norm || !conv || uses(original.inputs[0]!) > 1 || !known.has(original.inputs[4]!)) return undefined;
    const [, weight, bias, mean, variance] = norm.inputs.map(t => t!);
    const channels = conv.shape[3]!;
    const scale = b.mul(weight!, b.rsqrt(b.add(variance!, b.scalar(norm.attrs.eps))));
    const centred = conv.inputs[2] ? b.sub(conv.inputs[2], mean!) : b.neg(mean!);
    return b.conv2d(
      conv.inputs[0]!,
      b.mul(conv.inputs[1]!, b.reshape(scale, [channels, 1, 1, 1])),
      b.add(b.mul(centred, scale), bias!),
      conv.attrs,
    );
  })(outputs);
}
