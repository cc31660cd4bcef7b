// max-pool: the largest number of each window of a map.

import { check } from '../../../errors/index.js';
import type { KernelCall, Uniforms } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { bytesOf, checkSizes } from '../shared/sizes.js';
import source from './max-pool.wgsl?raw';

export interface MaxPoolDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Sides of the square window and its step, in pixels. */
  readonly size: number;
  readonly stride: number;
  /** Pixels around the map that windows may begin on; at most half of `size`. */
  readonly padding: number;
}

/** Numbers in x and in the pooled map. Errors: BAD_ARGUMENT, SHAPE_MISMATCH. */
export function checkMaxPool(where: string, dims: MaxPoolDims): { readonly read: number; readonly pooled: number } {
  const { batch, height, width, channels, outHeight, outWidth, size, stride, padding } = dims;
  checkSizes(where, { size, stride });
  checkSizes(where, { padding }, 0);
  check(
    2 * padding <= size,
    'BAD_ARGUMENT',
    () => `${where}: padding must be at most half of size, got ${padding} and ${size}; correct the dimensions`,
  );
  const read = elements(where, { batch, height, width, channels });
  return { read, pooled: elements(where, { batch, outHeight, outWidth, channels }) };
}

/** The uniform block of max-pool.wgsl and max-pool-gradient.wgsl, for `count` packets of the output. */
export const maxPoolUniforms = (dims: MaxPoolDims, count: number): Uniforms => {
  const { height, width, channels, outHeight, outWidth, size, stride, padding } = dims;
  const packets = channels / packetOf(channels);
  return {
    ...{ count, height, width, channels: packets, out_height: outHeight, out_width: outWidth },
    ...{ size, stride, padding },
  };
};

/**
 * x [B,H,W,C] → out [B,outHeight,outWidth,C]: the largest number of each window (torch.nn.functional.max_pool2d). Pixels
 * outside the map never win; every window must hold a pixel of it.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * const dims = { batch: 1, height: 8, width: 8, channels: 16, outHeight: 4, outWidth: 4, size: 2, stride: 2, padding: 0 };
 * maxPool(dims, { x, out }, { act: 'f32' })
 */
export function maxPool<O>(
  dims: MaxPoolDims,
  { x, out }: { readonly x: O; readonly out: O },
  { act }: { readonly act: 'f32' | 'f16' },
): KernelCall<O> {
  const { read, pooled } = checkMaxPool('maxPool', dims);
  const packet = packetOf(dims.channels);
  return {
    shader: { ...packed('max-pool', source, packet), act, tile: flatTile },
    uniforms: maxPoolUniforms(dims, pooled / packet),
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(pooled / packet),
    cost: { flops: pooled * dims.size ** 2, bytes: (read + pooled) * bytesOf(act) },
  };
}
