// depth-to-space: channels become r x r blocks of pixels, [B,H,W,C r²] → [B,H r,W r,C]. Order of the channels, named as in
// ONNX: `CRD` = (c, ky, kx), torch.nn.functional.pixel_shuffle; `DCR` = (ky, kx, c), the transposed convolution's blocks.

import type { CompositeRule } from '../rule.js';

export interface DepthToSpaceAttrs {
  readonly block: number;
  readonly order: 'CRD' | 'DCR';
}

export const depthToSpace: CompositeRule<DepthToSpaceAttrs> = {
  expand(b, [x], { block: r, order }) {
    const [batch, height, width, depth] = x!.shape as [number, number, number, number];
    const channels = depth / r ** 2;
    const split =
      order === 'CRD'
        ? b.permute(b.reshape(x!, [batch, height, width, channels, r, r]), [0, 1, 4, 2, 5, 3])
        : b.permute(b.reshape(x!, [batch, height, width, r, r, channels]), [0, 1, 3, 2, 4, 5]);
    return b.reshape(split, [batch, height * r, width * r, channels]);
  },
};
