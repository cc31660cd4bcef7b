// gelu-gradient: what a GELU's input gets back.

import { type KernelCall, u32 } from '../kernel.js';
import { flatGroups, flatTile } from './flat-tile.js';
import source from './gelu-gradient.wgsl?raw';
import { checkFp32, fp32, type GradientStorage } from './gradient-storage.js';
import { elements } from './guard.js';
import { gradientIncludes } from './include/gradients.js';
import { packetOf } from './packet.js';

/**
 * out[i] = dy[i] · gelu'(x[i]) of `count` elements, f32; gelu as of `unary`.
 *
 * Errors: BAD_ARGUMENT (count), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * geluGradient({ count: 3136 * 384 }, { x, dy, out })
 */
export function geluGradient<O>(
  { count }: { readonly count: number },
  { x, dy, out }: { readonly x: O; readonly dy: O; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('geluGradient', storage);
  elements('geluGradient', { count });
  const packet = packetOf(count);
  return {
    shader: { name: 'gelu-gradient', source, includes: gradientIncludes, act: 'f32', packet, tile: flatTile },
    uniforms: [u32(count / packet)],
    bindings: [
      { operand: x, access: 'read' },
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet),
    cost: { flops: 22 * count, bytes: 12 * count },
  };
}
