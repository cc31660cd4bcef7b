// resize-bilinear-gradient: what the map before a resize gets back.

import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { type ResizeBilinearDims, resizeUniforms } from './resize-bilinear.js';
import source from './resize-bilinear-gradient.wgsl?raw';

/**
 * dy [B,outHeight,outWidth,C] → out [B,H,W,C], the transpose of `resizeBilinear` with the same dimensions; all f32, each
 * sum in a fixed order.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * resizeBilinearGradient({ batch: 1, height: 7, width: 7, channels: 1, outHeight: 14, outWidth: 14 }, { dy, out })
 */
export function resizeBilinearGradient<O>(
  dims: ResizeBilinearDims,
  { dy, out }: { readonly dy: O; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('resizeBilinearGradient', storage);
  const { batch, height, width, channels, outHeight, outWidth } = dims;
  const count = elements('resizeBilinearGradient', { batch, height, width, channels });
  const read = elements('resizeBilinearGradient', { batch, outHeight, outWidth, channels });
  const packet = packetOf(channels);
  return {
    shader: {
      ...packed('resize-bilinear-gradient', source, packet),
      includes: gradientIncludes,
      act: 'f32',
      tile: flatTile,
    },
    uniforms: resizeUniforms(dims, count, packet),
    bindings: [
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet),
    // Every target is read by four sources.
    cost: { flops: 12 * read, bytes: 4 * (read + count) },
  };
}
