// accumulate: a flat list of numbers added to another.

import { type KernelCall, u32 } from '../kernel.js';
import source from './accumulate.wgsl?raw';
import vec4Source from './accumulate-vec4.wgsl?raw';
import { flatGroups, flatTile } from './flat-tile.js';
import { elements } from './guard.js';

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
  const fast = count % 4 === 0;
  const units = fast ? count / 4 : count;
  return {
    shader: {
      ...(fast ? { name: 'accumulate-vec4', source: vec4Source } : { name: 'accumulate', source }),
      ...{ act: 'f32', tile: flatTile },
    },
    uniforms: [u32(units)],
    bindings: [
      { operand: x, access: 'read' },
      { operand: sum, access: 'read_write' },
    ],
    workgroups: flatGroups(units),
    cost: { flops: count, bytes: 12 * count },
  };
}
