// pixel-statistics, pixel-statistics-join: what the bytes of a picture are like.

import { check } from '../../../errors/index.js';
import type { KernelCall } from '../../kernel.js';
import { elements } from '../shared/guard.js';
import source from './pixel-statistics.wgsl?raw';
import joinSource from './pixel-statistics-join.wgsl?raw';

const KINDS = 54;
/** Sums of so many bytes fit into a u32. */
const MAX_SIZE = 4096;

/** Elements of the result: mean [3], standard deviation [3], shares of pixels [3, 16]. */
export const pixelStatisticsCount = KINDS;

/** Words that `pixelStatisticsPartial` writes. */
export const pixelStatisticsWords = (size: number): number => KINDS * size;

/**
 * pixels [size, size], a word of RGB bytes each → partial [54, size] u32.
 *
 * Errors: BAD_ARGUMENT (size).
 *
 * @example
 * pixelStatisticsPartial({ size: 224 }, { pixels, partial })
 */
export function pixelStatisticsPartial<O>(
  { size }: { readonly size: number },
  { pixels, partial }: { readonly pixels: O; readonly partial: O },
): KernelCall<O> {
  const count = checkSize('pixelStatisticsPartial', size);
  return {
    shader: { name: 'pixel-statistics', source, act: 'f32' },
    uniforms: { size },
    bindings: [
      { operand: pixels, access: 'read' },
      { operand: partial, access: 'read_write' },
    ],
    workgroups: [Math.ceil(size / 64), 1, 1],
    cost: { flops: 12 * count, bytes: 4 * (count + pixelStatisticsWords(size)) },
  };
}

/**
 * partial [54, size] u32 → out [54] f32: mean and standard deviation of each channel in bytes, and for each channel the shares
 * of pixels in 16 equal ranges of 0..255.
 *
 * Errors: BAD_ARGUMENT (size).
 *
 * @example
 * pixelStatistics({ size: 224 }, { partial, out })
 */
export function pixelStatistics<O>(
  { size }: { readonly size: number },
  { partial, out }: { readonly partial: O; readonly out: O },
): KernelCall<O> {
  checkSize('pixelStatistics', size);
  return {
    shader: { name: 'pixel-statistics-join', source: joinSource, act: 'f32' },
    uniforms: { size },
    bindings: [
      { operand: partial, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: [1, 1, 1],
    cost: { flops: KINDS * size, bytes: 4 * (pixelStatisticsWords(size) + KINDS) },
  };
}

function checkSize(where: string, size: number): number {
  const count = elements(where, { rows: size, columns: size });
  check(
    size <= MAX_SIZE,
    'BAD_ARGUMENT',
    `${where}: size must be at most ${MAX_SIZE}, got ${size}; correct the configuration`,
  );
  return count;
}
