// sum-of-squares: the squared norm of a flat arena, for clipping.

import type { KernelCall } from '../../kernel.js';
import { reduce } from '../reduction/reduce.js';
import { elements } from '../shared/guard.js';
import source from './sum-of-squares.wgsl?raw';

/** Workgroups that read an arena as fast as a large GPU can. */
const MOST_GROUPS = 1024;

/** Numbers a workgroup, under which it would not pay. */
const FEWEST = 4096;

/**
 * out[0] = Σ x[i]² over `count` numbers, f32, in two calls and a fixed order: the same bits at every run. It overflows to
 * infinity where the norm passes 1.8e19, and clipping by that gives zeros: a trainer looks at it before it trusts a step.
 *
 * Errors: BAD_ARGUMENT (count), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * sumOfSquares({ count }, { x: gradients, partial: scratch(sumOfSquaresPartial({ count })), out: norm })
 */
export function sumOfSquares<O>(
  { count }: { readonly count: number },
  { x, partial, out }: { readonly x: O; readonly partial: O; readonly out: O },
): KernelCall<O>[] {
  const groups = sumOfSquaresPartial({ count });
  return [
    {
      shader: { name: 'sum-of-squares', source, act: 'f32' },
      uniforms: { count, threads: groups * 64 },
      bindings: [
        { operand: x, access: 'read' },
        { operand: partial, access: 'read_write' },
      ],
      workgroups: [groups, 1, 1],
      cost: { flops: 2 * count, bytes: 4 * (count + groups) },
    },
    reduce({ outer: 1, n: groups, inner: 1, kind: 'sum' }, { x: partial, out }, { act: 'f32' }),
  ];
}

/** Floats of `sumOfSquares`'s partial sums, at least 1. Errors: as of it. */
export function sumOfSquaresPartial({ count }: { readonly count: number }): number {
  elements('sumOfSquares', { count });
  return Math.min(MOST_GROUPS, Math.ceil(count / FEWEST));
}
