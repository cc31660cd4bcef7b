// linear-weight-gradient: what a linear layer's weight gets back. Its bias gets column-sum.ts.

import type { KernelCall } from '../../kernel.js';
import type { Tuning } from '../../tuning.js';
import { addRuns } from '../reduction/runs.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { type OuterDims, outerPartial, outerTiles } from '../shared/outer-tile.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './linear-weight-gradient.wgsl?raw';

/** As of `linear`. */
export interface LinearGradientDims {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

export interface LinearWeightGradientOperands<O> {
  /** [m, k]. */
  readonly x: O;
  /** [m, n]. */
  readonly dy: O;
  /** `linearWeightGradientPartial(dims)` floats; not needed where that is 0. */
  readonly partial?: O | null;
  /** [n, k]. */
  readonly out: O;
}

/**
 * out[n,k] = Σ_m dy[m,n] x[m,k], all f32. Long sums are cut into runs of rows that are added in a second call, in a fixed
 * order: the same bits at every run.
 *
 * Errors: BAD_ARGUMENT (a size, no `partial` where one is needed), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * const dims = { m: 3136, k: 96, n: 384 };
 * const partial = scratch(linearWeightGradientPartial(dims));
 * const calls = linearWeightGradient(dims, { x, dy, partial, out });
 */
export function linearWeightGradient<O>(
  { m, k, n }: LinearGradientDims,
  { x, dy, partial = null, out }: LinearWeightGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  const dims = outerDims({ m, k, n });
  checkFp32('linearWeightGradient', storage);
  const { tiling, rows, runs, workgroups } = outerTiles(dims, storage.tuning);
  const kernel = packed('linear-weight-gradient', source, packetOf(n, k));
  return addRuns('linearWeightGradient', { runs, width: n * k }, { partial, out }, target => ({
    shader: { ...kernel, includes: gradientIncludes, act: 'f32', ...tiling },
    uniforms: { m, a: n, b: k, rows, runs },
    bindings: [
      { operand: dy, access: 'read' },
      { operand: x, access: 'read' },
      { operand: target, access: 'read_write' },
    ],
    workgroups,
    cost: { flops: 2 * m * n * k, bytes: 4 * (m * (n + k) + runs * n * k) },
  }));
}

/** Floats that `linearWeightGradient` needs for partial sums; 0: none. Errors: as of it. */
export const linearWeightGradientPartial = (dims: LinearGradientDims, tuning?: Tuning): number =>
  outerPartial(outerDims(dims), tuning);

function outerDims({ m, k, n }: LinearGradientDims): OuterDims {
  elements('linearWeightGradient', { m, n });
  elements('linearWeightGradient', { m, k });
  elements('linearWeightGradient', { n, k });
  return { m, a: n, b: k };
}
