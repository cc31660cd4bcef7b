// conv2d: Conv, channels first. Where the kernel's windows lie side by side (the stem, the downsampling), a matrix product over
// the pixels of each window instead: its result is channels-last, as the LayerNorm and the linears after it want it, and
// nothing is gathered that is not there.

import { builder as b } from '../../../graph/builder.js';
import type { Conv2dAttrs } from '../../../graph/ops/conv2d.js';
import type { OnnxContext, OnnxRule } from '../rule.js';
import { affine } from './linear.js';

function tiles(c: OnnxContext<Conv2dAttrs>): boolean {
  const [, height, width] = c.inputs[0]!.shape as [number, number, number];
  const [, kh, kw] = c.inputs[1]!.shape as [number, number, number];
  const { stride, padding } = c.attrs;
  return kh === stride && kw === stride && padding === 0 && height % stride === 0 && width % stride === 0;
}

/** Windows as rows: [B,H/s,W/s,s·s·C], from whichever layout is there, and the weight with its rows in the same order. */
function windows(c: OnnxContext<Conv2dAttrs>): { x: string; weight: string } {
  const { stride: s } = c.attrs;
  const [, height, width, channels] = c.inputs[0]!.shape as [number, number, number, number];
  const [h, w] = [height / s, width / s];
  const outChannels = c.out.shape[3]!;
  const layout = c.has(0, 'last') ? 'last' : 'first';
  const split = layout === 'last' ? [-1, h, s, w, s, channels] : [-1, channels, h, s, w, s];
  const perm = layout === 'last' ? [0, 1, 3, 2, 4, 5] : [0, 2, 4, 1, 3, 5];
  const order = layout === 'last' ? [1, 2, 3, 0] : [3, 1, 2, 0];
  const rows = s * s * channels;
  const parted = c.node('Reshape', [c.value(0, layout), c.integers(split)]);
  const x = c.node('Reshape', [c.node('Transpose', [parted], { perm }), c.integers([-1, h, w, rows])]);
  return { x, weight: c.weight(b.reshape(b.permute(c.inputs[1]!, order), [rows, outChannels]), 1) };
}

export const conv2d: OnnxRule<Conv2dAttrs> = {
  width: 'narrow',
  emit(c) {
    const bias = c.inputs[2] ? [c.value(2)] : [];
    if (tiles(c)) {
      const { x, weight } = windows(c);
      return { name: affine(c, x, weight, bias[0] ?? null), layout: 'last' };
    }
    const { stride, padding } = c.attrs;
    const [, kh, kw] = c.inputs[1]!.shape as [number, number, number];
    const weight = c.weight(b.permute(c.inputs[1]!, [0, 3, 1, 2]), 0);
    const attrs = {
      kernel_shape: [kh, kw],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    };
    return { name: c.node('Conv', [c.value(0, 'first'), weight, ...bias], attrs), layout: 'first' };
  },
};
