// Whole numbers back out of the weights: a weight that is Q · s, with one factor for each output channel, is stored as Q and
// s comes into the epilogue. Factors per output channel that folding multiplied in (BatchNorm, layer scale) join s and leave
// Q as the file has it; moves (permute, reshape, slice, concat) move both. What cannot be taken apart stays a product, which the
// host computes at load and the device holds as any other weight.

import { builder as b, makeNode } from '../builder.js';
import { findLoadTime, type Outputs, type Tensor } from '../graph.js';
import { asFusedConv2d } from './fuse-conv2d.js';
import { asFusedLinear } from './fuse-linear.js';
import { asOp, rewritePass } from './rewrite.js';

/** weight[n,…] = q[n,…] scale[n], q of whole numbers. */
interface Factors {
  readonly q: Tensor;
  readonly scale: Tensor;
}

/** Whether a factor of a tensor of n channels has one value for each. */
const isPerChannel = (factor: Tensor, { shape }: Tensor): boolean =>
  factor.shape.length === shape.length &&
  factor.shape[0] === shape[0] &&
  factor.shape.slice(1).every(side => side === 1);

function factorsOf(weight: Tensor): Factors | undefined {
  const product = asOp(weight, 'binary');
  if (product?.attrs.kind === 'mul') {
    const [whole, factor] = product.inputs as [Tensor, Tensor];
    if (!isPerChannel(factor, whole)) return undefined;
    const scale = b.reshape(factor, [whole.shape[0]!]);
    if (whole.dtype === 'i8') return { q: whole, scale };
    const before = factorsOf(whole);
    return before && { q: before.q, scale: b.mul(before.scale, scale) };
  }
  return movedFactors(weight);
}

function movedFactors(weight: Tensor): Factors | undefined {
  const permuted = asOp(weight, 'permute');
  if (permuted?.attrs.order[0] === 0) {
    const before = factorsOf(permuted.inputs[0]!);
    return before && { q: b.permute(before.q, permuted.attrs.order), scale: before.scale };
  }
  const reshaped = asOp(weight, 'reshape');
  if (reshaped && reshaped.shape[0] === reshaped.inputs[0]!.shape[0]) {
    const before = factorsOf(reshaped.inputs[0]!);
    return before && { q: b.reshape(before.q, reshaped.shape), scale: before.scale };
  }
  const sliced = asOp(weight, 'slice');
  if (sliced?.attrs.axis === 0) {
    const before = factorsOf(sliced.inputs[0]!);
    return before && { q: b.slice(before.q, sliced.attrs), scale: b.slice(before.scale, sliced.attrs) };
  }
  const stacked = asOp(weight, 'concat');
  if (stacked?.attrs.axis !== 0) return undefined;
  const parts = stacked.inputs.map(part => factorsOf(part!));
  if (!parts.every(part => part !== undefined)) return undefined;
  const join = (key: keyof Factors) =>
    b.concat(
      parts.map(part => part[key]),
      { axis: 0 },
    );
  return { q: join('q'), scale: join('scale') };
}

/** For a fused graph. Weights that the graph computes for itself (positions times weights) stay products. */
export function int8Weights(outputs: Outputs): Outputs {
  const known = findLoadTime(outputs);
  return rewritePass((node, original) => {
    if (known.has(original)) return undefined;
    const linear = asFusedLinear(node);
    const conv = asFusedConv2d(node);
    const table = asOp(node, 'embedding');
    const at = conv ? 2 : 1;
    const weight = table ? table.inputs[0] : (linear ?? conv)?.inputs[at];
    const factors = weight ? factorsOf(weight) : undefined;
    if (!factors) return undefined;
    if (table) return makeNode('scaledEmbedding', [factors.q, table.inputs[1]!, factors.scale], {});
    const inputs = [...(linear ?? conv)!.inputs.map((t, i) => (i === at ? factors.q : t)), factors.scale];
    if (linear) return { ...makeNode('fusedLinear', inputs, linear.attrs), dtype: node.dtype };
    return conv && { ...makeNode('fusedConv2d', inputs, conv.attrs), dtype: node.dtype };
  })(outputs);
}
