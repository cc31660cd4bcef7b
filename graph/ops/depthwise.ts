// depthwise: each channel convolved with its own odd-sized kernel, stride 1, "same" zero padding.
// Inputs x [B,H,W,C], W [kh,kw,C], b [C] (optional).

import { depthwise as kernel } from '../../gpu/kernels/convolution/depthwise.js';
import type { Shape } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, optionalVector, required } from './shared/expect.js';

/**
 * Calls `visit` for each output pixel and each kernel place that meets the map, with the offsets of x [b,y,x,0],
 * W [ky,kx,0] and out [b,oy,ox,0]: the convolution and both its derivatives are sums over these.
 */
export function eachDepthwiseTap(map: Shape, w: Shape, visit: (x: number, w: number, out: number) => void): void {
  const [batch, height, width, channels] = map as [number, number, number, number];
  const [kh, kw] = w as [number, number];
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let oy = 0; oy < height; oy++)
      for (let ox = 0; ox < width; ox++, at += channels)
        for (let ky = 0; ky < kh; ky++) {
          const y = oy + ky - (kh >> 1);
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < kw; kx++) {
            const column = ox + kx - (kw >> 1);
            if (column < 0 || column >= width) continue;
            visit(((b * height + y) * width + column) * channels, (ky * kw + kx) * channels, at);
          }
        }
}

export const depthwise: CoreRule<Record<never, never>> = {
  slots: ['act', 'weight', 'vector'],
  infer(inputs) {
    const x = required(inputs, 0, 'depthwise');
    const w = required(inputs, 1, 'depthwise');
    expectShapes(
      x.length === 4 && w.length === 3 && x[3] === w[2],
      'depthwise',
      'x [B,H,W,C] and W [kh,kw,C] must agree in C',
      x,
      w,
    );
    expectShapes(w[0]! % 2 === 1 && w[1]! % 2 === 1, 'depthwise', 'kernel sides must be odd', w);
    optionalVector(inputs, 2, x[3]!, 'depthwise');
    return x;
  },
  reference([x, w, bias], _attrs, out) {
    const channels = out.shape[3]!;
    if (bias) for (let i = 0; i < out.data.length; i++) out.data[i] = bias.data[i % channels]!;
    eachDepthwiseTap(out.shape, w!.shape, (from, weights, to) => {
      for (let c = 0; c < channels; c++) out.data[to + c]! += x!.data[from + c]! * w!.data[weights + c]!;
    });
  },
  lower: ({ inputs, out, act, weight, tuning }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [kernelHeight, kernelWidth] = inputs[1]!.shape as [number, number];
    return [
      kernel(
        { batch, height, width, channels, kernelHeight, kernelWidth },
        { x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null, out },
        { act, weight, tuning },
      ),
    ];
  },
};
