// cast: numbers from one storage to the other; only on devices with shader-f16.

import { check } from '../../../errors/index.js';
import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import narrowSource from './cast.wgsl?raw';
import widenSource from './cast-widen.wgsl?raw';

export interface CastDims {
  readonly count: number;
  readonly from: 'f32' | 'f16';
  readonly to: 'f32' | 'f16';
}

/**
 * out[i] = x[i] in the other storage: to f16 rounded to nearest, infinity beyond 65,504; to f32 exactly.
 *
 * Errors: BAD_ARGUMENT (count, the same storage twice), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * cast({ count: 768, from: 'f32', to: 'f16' }, { x, out })
 */
export function cast<O>({ count, from, to }: CastDims, { x, out }: { x: O; out: O }): KernelCall<O> {
  elements('cast', { count });
  check(from !== to, 'BAD_ARGUMENT', `cast: from and to must differ, got ${from} twice; leave the cast out`);
  return {
    shader:
      to === 'f16'
        ? { name: 'cast', source: narrowSource, act: 'f16', tile: flatTile }
        : { name: 'cast-widen', source: widenSource, act: 'f16', tile: flatTile },
    uniforms: { count },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count),
    cost: { flops: 0, bytes: 6 * count },
  };
}
