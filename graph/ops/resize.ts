// resize: bilinear, corners not aligned (torch.nn.functional.interpolate, align_corners=False). x [B,H,W,C].

import { resizeBilinear as kernel } from '../../gpu/kernels/movement/resize-bilinear.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';

export interface ResizeAttrs {
  readonly height: number;
  readonly width: number;
}

export const resize: CoreRule<ResizeAttrs> = {
  infer(inputs, { height, width }) {
    const x = required(inputs, 0, 'resize');
    expectShapes(x.length === 4 && height > 0 && width > 0, 'resize', 'x must be [B,H,W,C]', x);
    return [x[0]!, height, width, x[3]!];
  },
  lower: ({ inputs, out, act }) => {
    const [batch, height, width, channels] = inputs[0]!.shape as [number, number, number, number];
    const [, outHeight, outWidth] = out.shape as [number, number, number];
    return [kernel({ batch, height, width, channels, outHeight, outWidth }, { x: inputs[0]!, out }, { act })];
  },
};
