// gelu-gradient: what a GELU's input gets back.

import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './gelu-gradient.wgsl?raw';

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
    shader: { ...packed('gelu-gradient', source, packet), includes: gradientIncludes, act: 'f32', tile: flatTile },
    uniforms: { count: count / packet },
    bindings: [
      { operand: x, access: 'read' },
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet),
    cost: { flops: 22 * count, bytes: 12 * count },
  };
}
