// resize-bilinear: maps to another height and width.

import type { KernelCall, Uniforms } from '../../kernel.js';
import { flatGroups, numbersTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { bytesOf } from '../shared/sizes.js';
import source from './resize-bilinear.wgsl?raw';

export interface ResizeBilinearDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** The uniform block of resize-bilinear.wgsl and resize-bilinear-gradient.wgsl, which write `count` elements, in packets. */
export const resizeUniforms = (dims: ResizeBilinearDims, count: number, packet: number): Uniforms => ({
  ...{ count: count / packet, height: dims.height, width: dims.width, channels: dims.channels / packet },
  ...{ out_height: dims.outHeight, out_width: dims.outWidth },
  ...{ scale_y: dims.height / dims.outHeight, scale_x: dims.width / dims.outWidth },
});

/**
 * x [B,H,W,C] → out [B,outHeight,outWidth,C], bilinear, corners not aligned, without antialiasing (torch's interpolate).
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * resizeBilinear({ batch: 1, height: 7, width: 7, channels: 1, outHeight: 14, outWidth: 14 }, { x, out }, { act: 'f32' })
 */
export function resizeBilinear<O>(
  dims: ResizeBilinearDims,
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const { batch, height, width, channels, outHeight, outWidth } = dims;
  const read = elements('resizeBilinear', { batch, height, width, channels });
  const count = elements('resizeBilinear', { batch, outHeight, outWidth, channels });
  const packet = packetOf(channels);
  const tile = numbersTile(packet);
  return {
    shader: { ...packed('resize-bilinear', source, packet), act, tile },
    uniforms: resizeUniforms(dims, count, packet),
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet, tile),
    cost: { flops: 6 * count, bytes: (read + count) * bytesOf(act) },
  };
}
