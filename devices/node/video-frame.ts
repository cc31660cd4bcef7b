// A picture of the size that an endoscope's video has.

import { unit } from '../../formats/weights/name-seeded-parameters.js';

export const WIDTH = 1920;
export const HEIGHT = 1080;

/** [HEIGHT, WIDTH, 3] with edges and noise, so that nothing is trivially flat. */
export function videoFrame(): Uint8Array {
  const noise = unit('video frame', 4096);
  return Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const wave = Math.sin((pixel % WIDTH) / 97 + (i % 3)) * Math.cos(Math.floor(pixel / WIDTH) / 61);
    return Math.max(0, Math.min(255, 128 + 90 * wave + 30 * noise[i & 4095]!));
  });
}
