// max-pool: the largest number of each window, channel by channel (torch.nn.functional.max_pool2d). x [B,H,W,C] →
// [B,H',W',C] with H' = ⌊(H + 2 padding - size) / stride⌋ + 1. What lies outside the map never wins.

import { maxPool as kernel } from '../../gpu/kernels/convolution/max-pool.js';
import type { Shape } from '../graph.js';
import type { CoreRule } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';

export interface MaxPoolAttrs {
  /** Sides of the square window and its step, in pixels. */
  readonly size: number;
  readonly stride: number;
  /** Pixels around the map that windows may begin on: at most half of `size`, so that every window holds a pixel. */
  readonly padding: number;
}

/** [B,H',W',C]. @throws TmcaError SHAPE_MISMATCH where no window fits */
export function pooledShape(x: Shape, { size, stride, padding }: MaxPoolAttrs, where: string): Shape {
  const side = (n: number) => Math.floor((n + 2 * padding - size) / stride) + 1;
  const fits = x.length === 4 && size >= 1 && stride >= 1 && padding >= 0 && 2 * padding <= size;
  expectShapes(
    fits && side(x[1]!) >= 1 && side(x[2]!) >= 1,
    where,
    `windows of ${size}, ${stride} apart and padded by ${padding}, must fit into x [B,H,W,C]`,
    x,
  );
  return [x[0]!, side(x[1]!), side(x[2]!), x[3]!];
}

export const maxPool: CoreRule<MaxPoolAttrs> = {
  infer: (inputs, attrs) => pooledShape(required(inputs, 0, 'maxPool'), attrs, 'maxPool'),
  lower: ({ inputs: [x], attrs, out, act }) => {
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const [, outHeight, outWidth] = out.shape as [number, number, number];
    return [kernel({ batch, height, width, channels, outHeight, outWidth, ...attrs }, { x: x!, out }, { act })];
  },
};
