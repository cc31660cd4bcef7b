// batch-statistics: what BatchNorm normalises with in training.

import { type KernelCall, spread } from '../../kernel.js';
import { FEWEST_ROWS } from '../reduction/column-sum.js';
import { runsOf } from '../reduction/runs.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import source from './batch-statistics.wgsl?raw';
import join from './batch-statistics-join.wgsl?raw';

export interface BatchStatisticsDims {
  /** Rows: pixels of all images. */
  readonly m: number;
  readonly c: number;
}

const tile = { COLUMNS: 16, SLICES: 16 } as const;

/**
 * statistics[0,c] = mean over m of x[m,c], statistics[1,c] = their population variance; all f32. Two calls: runs of rows, each
 * around its own mean, then the runs joined in a fixed order; never E[x²] - E[x]².
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * const dims = { m: 16384, c: 24 };
 * const calls = batchStatistics(dims, { x, partial: scratch(batchStatisticsPartial(dims)), statistics });
 */
export function batchStatistics<O>(
  { m, c }: BatchStatisticsDims,
  { x, partial, statistics }: { readonly x: O; readonly partial: O; readonly statistics: O },
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  checkFp32('batchStatistics', storage);
  const count = elements('batchStatistics', { m, c });
  const { count: runs, length: rows } = runsOf(m, c, FEWEST_ROWS);
  const uniforms = { m, c, rows, runs };
  return [
    {
      shader: { name: 'batch-statistics', source, act: 'f32' },
      uniforms,
      bindings: [
        { operand: x, access: 'read' },
        { operand: partial, access: 'read_write' },
      ],
      workgroups: spread(Math.ceil((runs * c) / 64)),
      cost: { flops: 4 * count, bytes: 4 * (count + 2 * runs * c) },
    },
    {
      shader: { name: 'batch-statistics-join', source: join, act: 'f32', tile },
      uniforms,
      bindings: [
        { operand: partial, access: 'read' },
        { operand: statistics, access: 'read_write' },
      ],
      workgroups: spread(Math.ceil(c / tile.COLUMNS)),
      cost: { flops: 5 * runs * c, bytes: 4 * (2 * runs * c + 2 * c) },
    },
  ];
}

/** Floats that `batchStatistics` needs for the runs. Errors: as of it. */
export function batchStatisticsPartial({ m, c }: BatchStatisticsDims): number {
  elements('batchStatistics', { m, c });
  return 2 * c * runsOf(m, c, FEWEST_ROWS).count;
}
