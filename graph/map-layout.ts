// Between PyTorch's layout of maps and the graph's.

import type { Shape } from './graph.js';

interface Numbers {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

type Moved = { readonly shape: Shape; readonly data: Float32Array };

/** Calls `move(first, last)` with the offsets of each element in [B,C,H,W] and in [B,H,W,C]. */
function eachElement(
  [batch, channels, pixels]: readonly [number, number, number],
  move: (first: number, last: number) => void,
): void {
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < pixels; p++) move((b * channels + c) * pixels + p, (b * pixels + p) * channels + c);
}

/** [B,C,H,W] → [B,H,W,C]; other ranks as they are. */
export function channelsLast({ shape, data }: Numbers): Moved {
  if (shape.length !== 4) return { shape, data: Float32Array.from(data) };
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const out = new Float32Array(data.length);
  eachElement([batch, channels, height * width], (first, last) => {
    out[last] = data[first]!;
  });
  return { shape: [batch, height, width, channels], data: out };
}

/** [B,H,W,C] → [B,C,H,W]; other ranks as they are. */
export function channelsFirst({ shape, data }: Numbers): Moved {
  if (shape.length !== 4) return { shape, data: Float32Array.from(data) };
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const out = new Float32Array(data.length);
  eachElement([batch, channels, height * width], (first, last) => {
    out[first] = data[last]!;
  });
  return { shape: [batch, channels, height, width], data: out };
}
