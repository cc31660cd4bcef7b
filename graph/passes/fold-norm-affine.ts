// The affine half of a LayerNorm into what multiplies it next: linear(n γ + β, W, b) = linear(n, W γ, b + W β), where n is
// the normalised input; likewise for a convolution without padding (padding would need β at the border). Done only where
// every reader of the norm can take it, so that no norm is computed twice. An int8 weight cannot: γ is one factor for each
// input channel, and would leave nothing of its whole numbers.

import { builder as b } from '../builder.js';
import { countUses, findLoadTime, inputsOf, type OpTensor, type Outputs, orderOf, type Tensor } from '../graph.js';
import { readsInt8 } from '../ops/fused/dequantized.js';
import { asOp, rewritePass } from './rewrite.js';

/** The op whose weights can absorb the norm in front of it. */
function absorber(t: Tensor): OpTensor | undefined {
  const conv = asOp(t, 'conv2d');
  const reader = asOp(t, 'linear') ?? (conv?.attrs.padding === 0 ? conv : undefined);
  return reader && !readsInt8(reader.inputs[1]!) ? reader : undefined;
}

function foldable(outputs: Outputs): ReadonlySet<Tensor> {
  const known = findLoadTime(outputs);
  const uses = countUses(outputs);
  const absorbed = new Map<Tensor, number>();
  for (const t of orderOf(outputs)) {
    const reader = absorber(t);
    const norm = asOp(reader?.inputs[0], 'layerNorm');
    if (reader && norm?.inputs[1] && known.has(reader.inputs[1]!)) absorbed.set(norm, (absorbed.get(norm) ?? 0) + 1);
  }
  return new Set([...absorbed].filter(([norm, count]) => count === uses.get(norm)).map(([norm]) => norm));
}

/** W β: [N] for W [N,…,K] and β [K], every other axis of W summed over as well. */
function product(weight: Tensor, beta: Tensor): Tensor {
  const [n, k] = [weight.shape[0]!, beta.shape[0]!];
  const rows = b.reshape(b.linear(b.reshape(beta, [1, k]), b.reshape(weight, [-1, k])), [n, -1]);
  return b.reshape(rows.shape[1] === 1 ? rows : b.sum(rows, [1]), [n]);
}

export function foldNormAffine(outputs: Outputs): Outputs {
  const norms = foldable(outputs);
  const normalised = new Map<Tensor, Tensor>(); // one plain norm for all its readers
  return rewritePass((node, original) => {
    if (!inputsOf(original).some(t => norms.has(t))) return undefined;
    const norm = asOp(node.inputs[0], 'layerNorm')!;
    const [x, gamma, beta] = norm.inputs as [Tensor, Tensor, Tensor];
    const [, weight, bias] = node.inputs as [Tensor, Tensor, Tensor | null];
    const plain = normalised.get(norm) ?? b.layerNorm(x, null, null, norm.attrs);
    normalised.set(norm, plain);
    const scaled = b.mul(weight, gamma);
    const shift = product(weight, beta);
    const shifted = bias ? b.add(bias, shift) : shift;
    const conv = asOp(node, 'conv2d');
    return conv ? b.conv2d(plain, scaled, shifted, conv.attrs) : b.linear(plain, scaled, shifted);
  })(outputs);
}
