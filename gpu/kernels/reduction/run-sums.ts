// run-sums: the end of two column sums that were cut into runs of rows.

import { type KernelCall, spread } from '../../kernel.js';
import { elements } from '../shared/guard.js';
import source from './run-sums.wgsl?raw';

const tile = { COLUMNS: 16, SLICES: 16 } as const;

export interface RunSumsOperands<O> {
  /** [runs,2,c]: of every run the first sums, then the second ones. */
  readonly partial: O;
  /** [c] each. */
  readonly first: O;
  readonly second: O;
}

/**
 * first[c] = Σ_r partial[r,0,c], second[c] = Σ_r partial[r,1,c], all f32, in a fixed order.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * runSums({ runs: 196, c: 96 }, { partial, first: dweight, second: dbias })
 */
export function runSums<O>(
  { runs, c }: { readonly runs: number; readonly c: number },
  { partial, first, second }: RunSumsOperands<O>,
): KernelCall<O> {
  const count = elements('runSums', { runs, c, sums: 2 });
  return {
    shader: { name: 'run-sums', source, act: 'f32', tile },
    uniforms: { c, runs },
    bindings: [
      { operand: partial, access: 'read' },
      { operand: first, access: 'read_write' },
      { operand: second, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil((2 * c) / tile.COLUMNS)),
    cost: { flops: count, bytes: 4 * (count + 2 * c) },
  };
}
