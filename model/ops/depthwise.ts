// depthwise: each channel convolved with its own odd-sized kernel, stride 1, "same" zero padding.
// Inputs x [B,H,W,C], W [kh,kw,C], b [C] (optional).

import { depthwise as kernel } from '../../gpu/kernels/depthwise.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, optionalVector, required } from './expect.js';

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
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const [kh, kw] = w!.shape as [number, number];
    let at = 0;
    for (let b = 0; b < batch; b++)
      for (let oy = 0; oy < height; oy++)
        for (let ox = 0; ox < width; ox++)
          for (let c = 0; c < channels; c++) {
            let sum = bias?.data[c] ?? 0;
            for (let ky = 0; ky < kh; ky++) {
              const y = oy + ky - (kh >> 1);
              if (y < 0 || y >= height) continue;
              for (let kx = 0; kx < kw; kx++) {
                const column = ox + kx - (kw >> 1);
                if (column < 0 || column >= width) continue;
                sum +=
                  x!.data[((b * height + y) * width + column) * channels + c]! *
                  w!.data[(ky * kw + kx) * channels + c]!;
              }
            }
            out.data[at++] = sum;
          }
  },
  lower: ({ inputs, out, act, weight }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [kernelHeight, kernelWidth] = inputs[1]!.shape as [number, number];
    return [
      kernel(
        { batch, height, width, channels, kernelHeight, kernelWidth },
        { x: inputs[0]!, weight: inputs[1]!, bias: inputs[2] ?? null, out },
        { act, weight },
      ),
    ];
  },
};
