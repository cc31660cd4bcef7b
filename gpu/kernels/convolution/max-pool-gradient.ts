// max-pool-gradient: what the map before a max-pooling gets back.

import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { packed, packetOf } from '../shared/packet.js';
import { checkMaxPool, type MaxPoolDims, maxPoolUniforms } from './max-pool.js';
import source from './max-pool-gradient.wgsl?raw';

/**
 * x [B,H,W,C], dy [B,outHeight,outWidth,C] → out [B,H,W,C], all f32: the dy of each window at the place of its largest
 * number, the first in a row-major window where several are equal. Sums over windows that overlap have a fixed order.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * const dims = { batch: 1, height: 8, width: 8, channels: 16, outHeight: 4, outWidth: 4, size: 2, stride: 2, padding: 0 };
 * maxPoolGradient(dims, { x, dy, out })
 */
export function maxPoolGradient<O>(
  dims: MaxPoolDims,
  { x, dy, out }: { readonly x: O; readonly dy: O; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('maxPoolGradient', storage);
  const { read, pooled } = checkMaxPool('maxPoolGradient', dims);
  const packet = packetOf(dims.channels);
  return {
    shader: { ...packed('max-pool-gradient', source, packet), act: 'f32', tile: flatTile },
    uniforms: maxPoolUniforms(dims, read / packet),
    bindings: [
      { operand: x, access: 'read' },
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(read / packet),
    cost: { flops: 2 * pooled * dims.size ** 4, bytes: 4 * (2 * read + pooled) },
  };
}
