// mask: from logits to the bytes of a binary mask at the size of the source image, and to probabilities.

import { check } from '../../../errors/index.js';
import { type KernelCall, spread } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './mask.wgsl?raw';
import probabilitySource from './mask-probability.wgsl?raw';

export interface MaskDims {
  /** Height of the logits. */
  readonly height: number;
  readonly width: number;
  /** Height of the mask. */
  readonly outHeight: number;
  readonly outWidth: number;
  /** Probability from which a pixel is set, 0 to 1. */
  readonly threshold: number;
  /**
   * What x holds. Default 'logits'. Where the mask is much larger than the logits, `maskProbability` first and
   * 'probability' here spares an exponential for every tap.
   */
  readonly from?: 'logits' | 'probability';
}

/** Words of the mask: a byte a pixel, four to a word. */
export const maskWords = (outHeight: number, outWidth: number): number => Math.ceil((outHeight * outWidth) / 4);

/**
 * x [H,W] → out [oH,oW] bytes, 1 where the bilinearly interpolated probability is at least the threshold, else 0;
 * `maskWords` u32 words in all, bytes past the last pixel 0. NaN gives 0.
 *
 * Errors: BAD_ARGUMENT (dimensions, threshold), SHAPE_MISMATCH (too many pixels).
 *
 * @example
 * mask({ height: 224, width: 224, outHeight: 1080, outWidth: 1920, threshold: 0.5 }, { x, out }, { act: 'f16' })
 */
export function mask<O>(
  { height, width, outHeight, outWidth, threshold, from = 'logits' }: MaskDims,
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const read = elements('mask', { height, width });
  const pixels = elements('mask', { outHeight, outWidth });
  check(
    threshold >= 0 && threshold <= 1,
    'BAD_ARGUMENT',
    `mask: threshold must be a probability from 0 to 1, got ${threshold}; 0.5 is the usual one`,
  );
  const words = maskWords(outHeight, outWidth);
  return {
    shader: { name: 'mask', source, act },
    constants: { is_logits: Number(from === 'logits') },
    uniforms: {
      ...{ pixels, height, width, out_width: outWidth },
      ...{ scale_y: height / outHeight, scale_x: width / outWidth, threshold },
    },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(words / 64)),
    cost: { flops: pixels * (from === 'logits' ? 26 : 6), bytes: read * bytesOf(act) + 4 * words },
  };
}

/**
 * out[i] = sigmoid(x[i]); x act, out f32.
 *
 * Errors: BAD_ARGUMENT (count), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * maskProbability({ count: 224 * 224 }, { x, out }, { act: 'f16' })
 */
export function maskProbability<O>(
  { count }: { readonly count: number },
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  elements('maskProbability', { count });
  return {
    shader: { name: 'mask-probability', source: probabilitySource, act, tile: flatTile },
    uniforms: { count },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count),
    cost: { flops: 4 * count, bytes: count * (bytesOf(act) + 4) },
  };
}
