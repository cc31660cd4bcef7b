// linear-input-gradient: what a linear layer's input gets back, and with a shuffled store that of a convolution of patches.

import { check } from '../../../errors/index.js';
import type { KernelCall } from '../../kernel.js';
import { gemmTiles, shuffledDepth, shuffleUniforms } from '../shared/epilogue.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { checkSizes } from '../shared/sizes.js';
import source from './linear-input-gradient.wgsl?raw';

export interface LinearInputGradientDims {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /**
   * Rows are the pixels of maps `width` wide, and the k numbers of each become block x block pixels of k / block²
   * channels, in DCR order.
   */
  readonly shuffle?: { readonly width: number; readonly block: number } | null;
}

export interface LinearInputGradientOperands<O> {
  /** [m, n]. */
  readonly dy: O;
  /** [n, k] row-major. */
  readonly weight: O;
  /** [m, k], or [m · block², k / block²] shuffled. */
  readonly out: O;
}

/**
 * out[m,k] = Σ_n dy[m,n] weight[n,k], all f32.
 *
 * Errors: BAD_ARGUMENT (a size), SHAPE_MISMATCH (too many elements, a shuffle that does not divide), UNSUPPORTED (f16).
 *
 * @example
 * linearInputGradient({ m: 49, k: 768, n: 3072 }, { dy, weight, out })
 */
export function linearInputGradient<O>(
  { m, k, n, shuffle = null }: LinearInputGradientDims,
  { dy, weight, out }: LinearInputGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('linearInputGradient', storage);
  elements('linearInputGradient', { m, n });
  elements('linearInputGradient', { m, k });
  elements('linearInputGradient', { n, k });
  checkShuffle(m, k, shuffle);
  const { tiling, workgroups } = gemmTiles(m, k, storage.tuning);
  return {
    shader: { ...packed('linear-input-gradient', source, packetOf(n)), act: 'f32', weight: 'f32', ...tiling },
    uniforms: {
      ...{ m, n: k, k: n, strips: Math.ceil(n / 4), width: shuffle?.width ?? m }, // the tile contracts over k
      ...shuffleUniforms(shuffle && { block: shuffle.block, order: 'DCR' }),
    },
    bindings: [
      { operand: dy, access: 'read' },
      { operand: weight, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups,
    cost: { flops: 2 * m * n * k, bytes: 4 * (m * (n + k) + n * k) },
  };
}

function checkShuffle(m: number, k: number, shuffle: { readonly width: number; readonly block: number } | null): void {
  shuffledDepth('linearInputGradient', k, shuffle);
  if (shuffle === null) return;
  checkSizes('linearInputGradient', { 'shuffle.width': shuffle.width });
  check(
    m % shuffle.width === 0,
    'SHAPE_MISMATCH',
    `linearInputGradient: m must be whole lines of ${shuffle.width} pixels, got ${m}; correct the shuffle's width`,
  );
}
