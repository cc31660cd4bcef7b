// resize-bilinear-gradient: what the map before a resize gets back.

import { f32, type KernelCall, u32 } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packetOf } from '../shared/packet.js';
import type { ResizeBilinearDims } from './resize-bilinear.js';
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
  { batch, height, width, channels, outHeight, outWidth }: ResizeBilinearDims,
  { dy, out }: { readonly dy: O; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('resizeBilinearGradient', storage);
  const count = elements('resizeBilinearGradient', { batch, height, width, channels });
  const read = elements('resizeBilinearGradient', { batch, outHeight, outWidth, channels });
  const packet = packetOf(channels);
  return {
    shader: {
      name: 'resize-bilinear-gradient',
      source,
      includes: gradientIncludes,
      act: 'f32',
      packet,
      tile: flatTile,
    },
    uniforms: [
      ...[count / packet, height, width, channels / packet, outHeight, outWidth].map(u32),
      f32(height / outHeight),
      f32(width / outWidth),
    ],
    bindings: [
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet),
    // Every target is read by four sources.
    cost: { flops: 12 * read, bytes: 4 * (read + count) },
  };
}
