// accumulate: a flat list of numbers added to another.

import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './accumulate.wgsl?raw';

/**
 * sum = sum + x in place, f32.
 *
 * Errors: BAD_ARGUMENT (no elements), SHAPE_MISMATCH (too many).
 *
 * @example
 * accumulate({ count }, { x: gradient, sum: gradients })
 */
export function accumulate<O>(
  { count }: { readonly count: number },
  { x, sum }: { readonly x: O; readonly sum: O },
): KernelCall<O> {
  elements('accumulate', { count });
  const packet = packetOf(count);
  return {
    shader: { ...packed('accumulate', source, packet), act: 'f32', tile: flatTile },
    uniforms: { count: count / packet },
    bindings: [
      { operand: x, access: 'read' },
      { operand: sum, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet),
    cost: { flops: count, bytes: 12 * count },
  };
}
