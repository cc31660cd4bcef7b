// normalize-pixels: RGB bytes to the numbers that the network reads.

import { type KernelCall, spread, type Uniforms } from '../../kernel.js';
import { elements } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './normalize-pixels.wgsl?raw';

type Triple = readonly [number, number, number];

/** What is subtracted from the bytes of each channel, and by what the difference is multiplied. */
interface Affine {
  readonly offset: Triple;
  readonly scale: Triple;
}

/** What a byte loses and is multiplied by, of a mean and a deviation of bytes over 255. */
const byteOffset = (mean: number) => mean * 255;
const byteScale = (deviation: number) => 1 / (deviation * 255);

/** As assembly/src/normalise.ts; the picture's own statistics for `zscore`. */
const affine: Readonly<Record<'zscore' | 'imagenet' | 'none', Affine>> = {
  zscore: { offset: [0, 0, 0], scale: [1, 1, 1] },
  imagenet: {
    offset: [byteOffset(0.485), byteOffset(0.456), byteOffset(0.406)],
    scale: [byteScale(0.229), byteScale(0.224), byteScale(0.225)],
  },
  none: { offset: [0, 0, 0], scale: [1 / 255, 1 / 255, 1 / 255] },
};

/** A field for each channel. */
const channels = (name: string, [red, green, blue]: Triple): Uniforms => ({
  [`${name}_red`]: red,
  [`${name}_green`]: green,
  [`${name}_blue`]: blue,
});

/**
 * pixels [count], a word of RGB bytes each → image [count, 3] act. `zscore`: (x - mean) / (deviation + 1e-6) of the picture, which
 * `statistics` holds as `pixelStatistics` made it; `imagenet`: by the mean and the deviation of ImageNet; `none`: x / 255.
 *
 * Errors: BAD_ARGUMENT (count), SHAPE_MISMATCH (too many pixels).
 *
 * @example
 * normalizePixels({ count: 224 * 224, normalize: 'zscore' }, { pixels, statistics, image }, { act: 'f16' })
 */
export function normalizePixels<O>(
  { count, normalize }: { readonly count: number; readonly normalize: keyof typeof affine },
  { pixels, statistics, image }: { readonly pixels: O; readonly statistics: O; readonly image: O },
  { act }: { readonly act: 'f32' | 'f16' },
): KernelCall<O> {
  const written = elements('normalizePixels', { count, channels: 3 });
  const { offset, scale } = affine[normalize];
  return {
    shader: { name: 'normalize-pixels', source, act },
    uniforms: {
      ...{ count, zscore: Number(normalize === 'zscore') },
      ...channels('offset', offset),
      ...channels('scale', scale),
    },
    bindings: [
      { operand: pixels, access: 'read' },
      { operand: statistics, access: 'read' },
      { operand: image, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(count / 64)),
    cost: { flops: 2 * written, bytes: 4 * count + bytesOf(act) * written },
  };
}
