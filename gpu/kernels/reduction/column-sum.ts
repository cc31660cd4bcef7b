// column-sum: what a bias gets back.

import { type KernelCall, spread } from '../../kernel.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import column from './column-sum.wgsl?raw';
import { addRuns, runsOf } from './runs.js';

export interface ColumnSumDims {
  readonly m: number;
  readonly n: number;
}

/** Rows under which a run would not pay for writing and adding its sums. */
export const FEWEST_ROWS = 8;

/**
 * out[n] = Σ_m x[m,n], all f32: a bias's gradient, of a linear layer or (m: pixels) a convolution. Rows are cut into runs
 * that are added in a second call, in a fixed order; `reduce` does the same in one call and leaves most of a GPU idle where m
 * is large.
 *
 * Errors: BAD_ARGUMENT (a size, no `partial` where one is needed), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * const dims = { m: 3136, n: 96 };
 * const calls = columnSum(dims, { x: dy, partial: scratch(columnSumPartial(dims)), out: dbias });
 */
export function columnSum<O>(
  { m, n }: ColumnSumDims,
  { x, partial = null, out }: { readonly x: O; readonly partial?: O | null; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  checkFp32('columnSum', storage);
  const count = elements('columnSum', { m, n });
  const { count: runs, length: rows } = runsOf(m, n, FEWEST_ROWS);
  return addRuns('columnSum', { runs, width: n }, { partial, out }, target => ({
    shader: { name: 'column-sum', source: column, act: 'f32' },
    uniforms: { m, c: n, rows, runs },
    bindings: [
      { operand: x, access: 'read' },
      { operand: target, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil((runs * n) / 64)),
    cost: { flops: count, bytes: 4 * (count + runs * n) },
  }));
}

/** Floats that `columnSum` needs for partial sums; 0: none. Errors: as of it. */
export function columnSumPartial({ m, n }: ColumnSumDims): number {
  elements('columnSum', { m, n });
  const { count } = runsOf(m, n, FEWEST_ROWS);
  return count === 1 ? 0 : count * n;
}
