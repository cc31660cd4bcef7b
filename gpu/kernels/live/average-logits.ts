// average-logits: the exponential average over time of what the network says.

import { check } from '../../../errors/index.js';
import type { KernelCall, Uniforms } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './average-logits.wgsl?raw';

export interface AverageLogitsDims {
  readonly count: number;
  /** Share of the newest logits, above 0; 1 forgets what was before. */
  readonly share: number;
}

/**
 * average = average + share (x - average) in place; x act, average f32. Where average is not finite it becomes x.
 *
 * Unlike `movingAverage`, which keeps parameters of a training run, it can begin anew and survives a NaN.
 *
 * Errors: BAD_ARGUMENT (a number out of range), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * averageLogits({ count: 224 * 224, share: 0.4 }, { x: logits, average }, { act: 'f16' })
 */
export function averageLogits<O>(
  dims: AverageLogitsDims,
  { x, average }: { readonly x: O; readonly average: O },
  { act }: { readonly act: 'f32' | 'f16' },
): KernelCall<O> {
  const { count } = dims;
  return {
    shader: { name: 'average-logits', source, act, tile: flatTile },
    uniforms: averageLogitsUniforms(dims),
    bindings: [
      { operand: x, access: 'read' },
      { operand: average, access: 'read_write' },
    ],
    workgroups: flatGroups(count),
    cost: { flops: 3 * count, bytes: (bytesOf(act) + 8) * count },
  };
}

/** The uniform block of a call of the same count for another share, for `CommandPlan.setUniforms`. */
export function averageLogitsUniforms({ count, share }: AverageLogitsDims): Uniforms {
  elements('averageLogits', { count });
  check(
    share > 0 && share <= 1,
    'BAD_ARGUMENT',
    `averageLogits: share must be a number above 0 and at most 1, got ${share}; 1 averages nothing`,
  );
  return { count, share };
}
