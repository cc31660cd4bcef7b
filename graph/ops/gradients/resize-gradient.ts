// resize-gradient: the derivative of bilinear resizing by its input: each target pixel's dy, shared out over the four pixels
// that made it. dy [B,Ho,Wo,C] → [B,H,W,C].

import { resizeBilinearGradient as kernel } from '../../../gpu/kernels/movement/resize-bilinear-gradient.js';
import type { TrainingRule } from '../../rule.js';
import { taps } from '../oracle.js';
import type { ResizeAttrs } from '../resize.js';
import { expectShapes, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

/** `height` and `width` are the resized map's: the output's here. */
export const resizeGradient: TrainingRule<ResizeAttrs> = {
  infer(inputs, { height, width }) {
    const dy = required(inputs, 0, 'resizeGradient');
    expectShapes(dy.length === 4 && height > 0 && width > 0, 'resizeGradient', 'dy must be [B,H,W,C]', dy);
    return [dy[0]!, height, width, dy[3]!];
  },
  reference([dy], { height, width }, out) {
    const [batch, fromHeight, fromWidth, channels] = dy!.shape as [number, number, number, number];
    const [rows, columns] = [taps(height, fromHeight), taps(width, fromWidth)];
    let at = 0;
    for (let b = 0; b < batch; b++)
      for (const row of rows)
        for (const column of columns)
          for (let c = 0; c < channels; c++) {
            const value = dy!.data[at++]!;
            const put = (y: number, x: number, share: number) => {
              out.data[((b * height + y) * width + x) * channels + c]! += value * share;
            };
            put(row.low, column.low, (1 - row.part) * (1 - column.part));
            put(row.low, column.high, (1 - row.part) * column.part);
            put(row.high, column.low, row.part * (1 - column.part));
            put(row.high, column.high, row.part * column.part);
          }
  },
  lower: ({ inputs: [dy], out, act }) => {
    const [batch, height, width, channels] = out.shape as [number, number, number, number];
    const [, outHeight, outWidth] = dy!.shape as [number, number, number];
    return [kernel({ batch, height, width, channels, outHeight, outWidth }, { dy: dy!, out }, { act })];
  },
  gradient: notDifferentiable,
};
