// resize: bilinear, corners not aligned (torch.nn.functional.interpolate, align_corners=False). x [B,H,W,C].

import { resizeBilinear as kernel } from '../../gpu/kernels/movement/resize-bilinear.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';

export interface ResizeAttrs {
  readonly height: number;
  readonly width: number;
}

/** The two source positions of each target position, and the weight of the second. */
export function taps(from: number, to: number): { low: number; high: number; part: number }[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(at), from - 1);
    return { low, high: Math.min(low + 1, from - 1), part: at - low };
  });
}

export const resize: CoreRule<ResizeAttrs> = {
  infer(inputs, { height, width }) {
    const x = required(inputs, 0, 'resize');
    expectShapes(x.length === 4 && height > 0 && width > 0, 'resize', 'x must be [B,H,W,C]', x);
    return [x[0]!, height, width, x[3]!];
  },
  reference([x], { height, width }, out) {
    const [batch, fromHeight, fromWidth, channels] = x!.shape as [number, number, number, number];
    const [rows, columns] = [taps(fromHeight, height), taps(fromWidth, width)];
    let at = 0;
    for (let b = 0; b < batch; b++)
      for (const row of rows)
        for (const column of columns)
          for (let c = 0; c < channels; c++) {
            const read = (y: number, i: number) => x!.data[((b * fromHeight + y) * fromWidth + i) * channels + c]!;
            const top = read(row.low, column.low) * (1 - column.part) + read(row.low, column.high) * column.part;
            const bottom = read(row.high, column.low) * (1 - column.part) + read(row.high, column.high) * column.part;
            out.data[at++] = top * (1 - row.part) + bottom * row.part;
          }
  },
  lower: ({ inputs, out, act }) => {
    const [batch, height, width, channels] = inputs[0]!.shape as [number, number, number, number];
    const [, outHeight, outWidth] = out.shape as [number, number, number];
    return [kernel({ batch, height, width, channels, outHeight, outWidth }, { x: inputs[0]!, out }, { act })];
  },
};
