// conv2d: NHWC convolution (cross-correlation, as torch). Inputs x [B,H,W,C], W [O,kh,kw,C], b [O] (optional).
// Symmetric zero padding; output side floor((H + 2 padding - kh) / stride) + 1.

import type { Shape } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, optionalVector, required } from './shared/expect.js';
import { lowerConv2d } from './shared/lower-conv2d.js';

export interface Conv2dAttrs {
  readonly stride: number;
  readonly padding: number;
}

export const convolvedSide = (side: number, kernel: number, { stride, padding }: Conv2dAttrs): number =>
  Math.floor((side + 2 * padding - kernel) / stride) + 1;

/**
 * Calls `visit` for each output pixel and each kernel place that meets the map rather than its padding, with the offsets
 * of x [b,y,x,0], W [0,ky,kx,0] and out [b,oy,ox,0]: the convolution and both its derivatives are sums over these.
 */
export function eachTap(
  x: Shape,
  w: Shape,
  out: Shape,
  { stride, padding }: Conv2dAttrs,
  visit: (x: number, w: number, out: number) => void,
): void {
  const [batch, height, width, channels] = x as [number, number, number, number];
  const [outChannels, kh, kw] = w as [number, number, number];
  const [, outHeight, outWidth] = out as [number, number, number];
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++, at += outChannels)
        for (let ky = 0; ky < kh; ky++) {
          const y = oy * stride + ky - padding;
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < kw; kx++) {
            const column = ox * stride + kx - padding;
            if (column < 0 || column >= width) continue;
            visit(((b * height + y) * width + column) * channels, (ky * kw + kx) * channels, at);
          }
        }
}

export const conv2d: CoreRule<Conv2dAttrs> = {
  slots: ['act', 'weight', 'vector'],
  infer(inputs, attrs) {
    const x = required(inputs, 0, 'conv2d');
    const w = required(inputs, 1, 'conv2d');
    expectShapes(
      x.length === 4 && w.length === 4 && x[3] === w[3],
      'conv2d',
      'x [B,H,W,C] and W [O,kh,kw,C] must agree in C',
      x,
      w,
    );
    optionalVector(inputs, 2, w[0]!, 'conv2d');
    const [height, width] = [convolvedSide(x[1]!, w[1]!, attrs), convolvedSide(x[2]!, w[2]!, attrs)];
    expectShapes(height > 0 && width > 0, 'conv2d', 'the kernel must fit into the padded map', x, w);
    return [x[0]!, height, width, w[0]!];
  },
  reference([x, w, bias], attrs, out) {
    const [outChannels, kh, kw, channels] = w!.shape as [number, number, number, number];
    if (bias) for (let i = 0; i < out.data.length; i++) out.data[i] = bias.data[i % outChannels]!;
    const [from, by, to] = [x!.data, w!.data, out.data];
    eachTap(x!.shape, w!.shape, out.shape, attrs, (pixel, tap, at) => {
      for (let o = 0; o < outChannels; o++) {
        const weights = o * kh * kw * channels + tap;
        let sum = 0;
        for (let c = 0; c < channels; c++) sum += from[pixel + c]! * by[weights + c]!;
        to[at + o]! += sum;
      }
    });
  },
  lower: ({ inputs, attrs, out, act, weight, tuning }) => [
    lowerConv2d({ x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null }, attrs, out, { act, weight, tuning }),
  ],
};
