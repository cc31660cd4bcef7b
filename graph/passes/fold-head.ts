// The head is linear through and through: a convolution, a pixel shuffle and a 1x1 convolution are one convolution with a
// pixel shuffle. With W [C r²,kh,kw,I] in (c, s) order and V [O,1,1,C]: W'[(o,s),…] = Σ_c V[o,c] W[(c,s),…].

import { builder as b } from '../builder.js';
import type { Outputs, Tensor } from '../graph.js';
import { asOp, rewritePass } from './rewrite.js';

export const foldHead: (outputs: Outputs) => Outputs = rewritePass((node, original, { uses }) => {
  const pointwise = asOp(node, 'conv2d');
  const shuffle = asOp(pointwise?.inputs[0], 'depthToSpace');
  const spread = asOp(shuffle?.inputs[0], 'conv2d');
  if (!pointwise || !shuffle || !spread || shuffle.attrs.order !== 'CRD') return undefined;
  const [outChannels, kh, kw, channels] = pointwise.inputs[1]!.shape as [number, number, number, number];
  const isPointwise = kh === 1 && kw === 1 && pointwise.attrs.stride === 1 && pointwise.attrs.padding === 0;
  const shuffledOnce =
    uses(original.inputs[0]!) === 1 && uses(asOp(original.inputs[0], 'depthToSpace')!.inputs[0]!) === 1;
  if (!isPointwise || !shuffledOnce) return undefined;

  const mix = b.reshape(pointwise.inputs[1]!, [outChannels, channels]);
  const sites = shuffle.attrs.block ** 2;
  /** [C·sites, rest] → [O·sites, rest] through V. */
  const mixed = (t: Tensor, rest: number) => {
    const byChannel = b.permute(b.reshape(t, [channels, sites, rest]), [1, 2, 0]);
    return b.permute(b.linear(byChannel, mix), [2, 0, 1]);
  };
  const stored = spread.inputs[1]!.shape as [number, number, number, number];
  const weight = b.reshape(mixed(spread.inputs[1]!, stored[1] * stored[2] * stored[3]), [
    outChannels * sites,
    ...stored.slice(1),
  ]);
  const own = pointwise.inputs[2] ? b.reshape(pointwise.inputs[2], [outChannels, 1]) : b.constant([0], [1, 1]);
  const carried = spread.inputs[2]
    ? b.reshape(mixed(spread.inputs[2], 1), [outChannels, sites])
    : b.constant([0], [1, 1]);
  const bias = b.reshape(
    b.add(b.add(carried, own), b.constant(new Float64Array(outChannels * sites), [outChannels, sites])),
    [outChannels * sites],
  );
  return b.depthToSpace(b.conv2d(spread.inputs[0]!, weight, bias, spread.attrs), shuffle.attrs);
});
