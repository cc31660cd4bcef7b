// resize-bilinear: maps to another height and width.

import { f32, type KernelCall, spread, u32 } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './resize-bilinear.wgsl?raw';
import vec4Source from './resize-bilinear-vec4.wgsl?raw';

export interface ResizeBilinearDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/**
 * x [B,H,W,C] → out [B,outHeight,outWidth,C], bilinear, corners not aligned, without antialiasing (torch's interpolate).
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * resizeBilinear({ batch: 1, height: 7, width: 7, channels: 1, outHeight: 14, outWidth: 14 }, { x, out }, { act: 'f32' })
 */
export function resizeBilinear<O>(
  { batch, height, width, channels, outHeight, outWidth }: ResizeBilinearDims,
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const read = elements('resizeBilinear', { batch, height, width, channels });
  const count = elements('resizeBilinear', { batch, outHeight, outWidth, channels });
  const fast = channels % 4 === 0;
  const unit = fast ? 4 : 1;
  return {
    shader: {
      ...(fast
        ? { name: 'resize-bilinear-vec4', source: vec4Source }
        : { name: 'resize-bilinear', source, tile: flatTile }),
      act,
    },
    uniforms: [
      ...[count / unit, height, width, channels / unit, outHeight, outWidth].map(u32),
      f32(height / outHeight),
      f32(width / outWidth),
    ],
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: fast ? spread(Math.ceil(count / 4 / 64)) : flatGroups(count),
    cost: { flops: 6 * count, bytes: (read + count) * bytesOf(act) },
  };
}
