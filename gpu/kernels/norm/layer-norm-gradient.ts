// layer-norm-gradient: what a normalised row, its weight and its bias get back.

import { type KernelCall, spread } from '../../kernel.js';
import { FEWEST_ROWS } from '../reduction/column-sum.js';
import { runSums } from '../reduction/run-sums.js';
import { runsOf } from '../reduction/runs.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, checkScratch, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { checkPositive, checkTogether, elements, given } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { rowTile } from '../shared/row-tile.js';
import type { LayerNormDims } from './layer-norm.js';
import source from './layer-norm-gradient.wgsl?raw';
import columns from './layer-norm-gradient-columns.wgsl?raw';

export interface LayerNormGradientOperands<O> {
  /** [m,c]: the norm's input. */
  readonly x: O;
  /** [m,c]. */
  readonly dy: O;
  /** [c]; absent where the norm had none. */
  readonly weight?: O | null;
  /** [m,c]. */
  readonly dx: O;
  /** [m,2], scratch for the time of the calls: mean and 1 / sqrt(var + eps) of every row. */
  readonly statistics: O;
  /** [c], both or neither; with them scratch for partial sums, of `layerNormGradientPartial(dims)` floats. */
  readonly dweight?: O | null;
  readonly dbias?: O | null;
  readonly partial?: O | null;
}

/**
 * dx of `layerNorm`, and dweight[c] = Σ_m dy · normalised x, dbias[c] = Σ_m dy where wanted; all f32. One call, or three;
 * sums over rows are cut into runs that are added in a fixed order: the same bits at every run.
 *
 * Errors: BAD_ARGUMENT (dimensions, eps, partial sums that are missing), SHAPE_MISMATCH (dweight without dbias, too many
 * elements), UNSUPPORTED (f16).
 *
 * @example
 * const dims = { m: 3136, c: 96, eps: 1e-6 };
 * const partial = scratch(layerNormGradientPartial(dims));
 * const calls = layerNormGradient(
 *   dims, { x, dy, weight, dx, statistics: scratch(2 * dims.m), dweight, dbias, partial })
 */
export function layerNormGradient<O>(
  dims: LayerNormDims,
  operands: LayerNormGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  const where = 'layerNormGradient';
  checkFp32(where, storage);
  checkPositive(where, 'eps', dims.eps);
  const { dweight = null, dbias = null } = operands;
  checkTogether(where, 'dweight and dbias', dweight, dbias);
  elements(where, { m: dims.m, c: dims.c });
  const calls = [rowCall(dims, operands)];
  if (dweight !== null && dbias !== null) calls.push(...columnCalls(dims, operands, { dweight, dbias }));
  return calls;
}

/** Floats of the partial sums. Errors: BAD_ARGUMENT, SHAPE_MISMATCH, as of `layerNormGradient`. */
export function layerNormGradientPartial({ m, c }: Pick<LayerNormDims, 'm' | 'c'>): number {
  elements('layerNormGradient', { m, c });
  return 2 * c * runsOf(m, c, FEWEST_ROWS).count;
}

function rowCall<O>(
  { m, c, eps }: LayerNormDims,
  { x, dy, weight = null, dx, statistics }: LayerNormGradientOperands<O>,
): KernelCall<O> {
  const packet = packetOf(c);
  const packets = c / packet;
  const tile = rowTile(packets);
  return {
    shader: { ...packed('layer-norm-gradient', source, packet), includes: gradientIncludes, act: 'f32', tile },
    constants: { has_weight: given(weight) },
    uniforms: { m, packets, c, eps },
    bindings: [
      ...[x, dy, weight].map(operand => ({ operand, access: 'read' as const })),
      ...[dx, statistics].map(operand => ({ operand, access: 'read_write' as const })),
    ],
    workgroups: spread(Math.ceil(m / tile.ROWS)),
    cost: { flops: m * c * (14 + given(weight)), bytes: 4 * (3 * m * c + c * given(weight) + 2 * m) },
  };
}

function columnCalls<O>(
  { m, c }: LayerNormDims,
  { x, dy, statistics, partial = null }: LayerNormGradientOperands<O>,
  { dweight, dbias }: { dweight: O; dbias: O },
): KernelCall<O>[] {
  const { count: runs, length: rows } = runsOf(m, c, FEWEST_ROWS);
  checkScratch('layerNormGradient', 'partial', partial, 2 * runs * c);
  return [
    {
      shader: { name: 'layer-norm-gradient-columns', source: columns, act: 'f32' },
      uniforms: { m, c, rows, runs },
      bindings: [
        ...[x, dy, statistics].map(operand => ({ operand, access: 'read' as const })),
        { operand: partial, access: 'read_write' },
      ],
      workgroups: spread(Math.ceil((runs * c) / 64)),
      cost: { flops: 5 * m * c, bytes: 4 * (2 * m * c + 2 * m + 2 * runs * c) },
    },
    runSums({ runs, c }, { partial: partial!, first: dweight, second: dbias }),
  ];
}
