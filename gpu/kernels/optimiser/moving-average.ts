// moving-average: one step of an exponential moving average over a flat arena.

import { check } from '../../../errors/index.js';
import type { KernelCall, Uniforms } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './moving-average.wgsl?raw';

export interface MovingAverageDims {
  readonly count: number;
  /** Share of the new value, 0 to 1: 1 minus the decay. */
  readonly rate: number;
}

/**
 * average = average + rate (x - average) in place, f32.
 *
 * Errors: BAD_ARGUMENT (a number out of range), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * movingAverage({ count, rate: 0.001 }, { x: parameters, average })
 */
export function movingAverage<O>(
  dims: MovingAverageDims,
  { x, average }: { readonly x: O; readonly average: O },
): KernelCall<O> {
  const uniforms = movingAverageUniforms(dims);
  const packet = packetOf(dims.count);
  return {
    shader: { ...packed('moving-average', source, packet), act: 'f32', tile: flatTile },
    uniforms,
    bindings: [
      { operand: x, access: 'read' },
      { operand: average, access: 'read_write' },
    ],
    workgroups: flatGroups(dims.count / packet),
    cost: { flops: 3 * dims.count, bytes: 12 * dims.count },
  };
}

/** The uniform block of a call of the same count for another rate, for `CommandPlan.setUniforms`. */
export function movingAverageUniforms({ count, rate }: MovingAverageDims): Uniforms {
  elements('movingAverage', { count });
  check(
    rate >= 0 && rate <= 1,
    'BAD_ARGUMENT',
    `movingAverage: rate must be a number from 0 to 1, got ${rate}; correct the configuration`,
  );
  return { count: count / packetOf(count), rate };
}
