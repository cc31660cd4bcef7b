// batch-norm: BatchNorm with the batch's own statistics and the leaky ReLU behind it, and what they get back.

import { check } from '../../../errors/index.js';
import { type KernelCall, spread, type Uniforms } from '../../kernel.js';
import { FEWEST_ROWS } from '../reduction/column-sum.js';
import { runSums } from '../reduction/run-sums.js';
import { runsOf } from '../reduction/runs.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { checkPositive, elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './batch-norm.wgsl?raw';
import gradientSource from './batch-norm-gradient.wgsl?raw';
import columns from './batch-norm-gradient-columns.wgsl?raw';

export interface BatchNormDims {
  /** Rows: pixels of all images. */
  readonly m: number;
  readonly c: number;
  readonly eps: number;
  /** The slope of the leaky ReLU behind the norm: 0 makes it a ReLU, 1 leaves it out. */
  readonly slope: number;
}

export interface BatchNormOperands<O> {
  /** [m,c] f32, as are all. */
  readonly x: O;
  /** [c] */
  readonly weight: O;
  readonly bias: O;
  /** [2,c]: mean and population variance, see `batchStatistics`. */
  readonly statistics: O;
  /** [m,c] */
  readonly out: O;
}

export interface BatchNormGradientOperands<O> extends Omit<BatchNormOperands<O>, 'bias' | 'out'> {
  /** [m,c]: what `batchNorm` made; its sign says on which side of the ReLU's corner the norm was. */
  readonly y: O;
  /** [m,c] */
  readonly dy: O;
  /** `batchNormGradientPartial(dims)` floats, for the time of the calls. */
  readonly partial: O;
  /** [m,c] */
  readonly dx: O;
  /** [c] */
  readonly dweight: O;
  readonly dbias: O;
}

function guard(where: string, { m, c, eps, slope }: BatchNormDims, storage: GradientStorage): void {
  checkFp32(where, storage);
  elements(where, { m, c });
  checkPositive(where, 'eps', eps);
  check(
    Number.isFinite(slope) && slope >= 0,
    'BAD_ARGUMENT',
    () => `${where}: slope must be a number of at least 0, got ${slope}; correct the configuration`,
  );
}

/** The uniform block of include/batch-norm-element.wgsl, for packets of `width` channels. */
function uniforms({ m, c, eps, slope }: BatchNormDims, width: number): Uniforms {
  const { count: runs, length: rows } = runsOf(m, c, FEWEST_ROWS);
  return { count: (m * c) / width, channels: c / width, m, rows, runs, eps, slope };
}

/**
 * out = leaky((x - mean) / sqrt(variance + eps) · weight + bias), f32.
 *
 * Errors: BAD_ARGUMENT (dimensions, eps, slope), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * batchNorm({ m: 16384, c: 24, eps: 1e-5, slope: 0.01 }, { x, weight, bias, statistics, out })
 */
export function batchNorm<O>(
  dims: BatchNormDims,
  { x, weight, bias, statistics, out }: BatchNormOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O> {
  guard('batchNorm', dims, storage);
  const { m, c } = dims;
  const packet = packetOf(c);
  return {
    shader: { ...packed('batch-norm', source, packet), includes: gradientIncludes, act: 'f32' },
    uniforms: uniforms(dims, packet),
    bindings: [
      ...[x, weight, bias, statistics].map(operand => ({ operand, access: 'read' as const })),
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil((m * c) / packet / 64)),
    cost: { flops: 6 * m * c, bytes: 4 * (2 * m * c + 4 * c) },
  };
}

/**
 * dx, dweight and dbias of `batchNorm` where the statistics are the batch's own, hence functions of x. Three calls: sums over
 * runs of rows, the runs in a fixed order, dx.
 *
 * Errors: as of `batchNorm`.
 *
 * @example
 * const dims = { m: 16384, c: 24, eps: 1e-5, slope: 0.01 };
 * const partial = scratch(batchNormGradientPartial(dims));
 * const calls = batchNormGradient(dims, { x, weight, statistics, y, dy, partial, dx, dweight, dbias });
 */
export function batchNormGradient<O>(
  dims: BatchNormDims,
  { x, weight, statistics, y, dy, partial, dx, dweight, dbias }: BatchNormGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  guard('batchNormGradient', dims, storage);
  const { m, c } = dims;
  const { count: runs } = runsOf(m, c, FEWEST_ROWS);
  const packet = packetOf(c);
  const read = (operands: readonly O[]) => operands.map(operand => ({ operand, access: 'read' as const }));
  return [
    {
      shader: {
        name: 'batch-norm-gradient-columns',
        source: columns,
        includes: gradientIncludes,
        act: 'f32',
        packet: 1,
      },
      uniforms: uniforms(dims, 1),
      bindings: [...read([x, statistics, y, dy]), { operand: partial, access: 'read_write' }],
      workgroups: spread(Math.ceil((runs * c) / 64)),
      cost: { flops: 7 * m * c, bytes: 4 * (3 * m * c + 2 * runs * c) },
    },
    runSums({ runs, c }, { partial, first: dweight, second: dbias }),
    {
      shader: { ...packed('batch-norm-gradient', gradientSource, packet), includes: gradientIncludes, act: 'f32' },
      uniforms: uniforms(dims, packet),
      bindings: [...read([x, weight, statistics, y, dy, dweight, dbias]), { operand: dx, access: 'read_write' }],
      workgroups: spread(Math.ceil((m * c) / packet / 64)),
      cost: { flops: 10 * m * c, bytes: 4 * (4 * m * c + 5 * c) },
    },
  ];
}

/** Floats of the partial sums. Errors: BAD_ARGUMENT, SHAPE_MISMATCH, as of `batchNorm`. */
export function batchNormGradientPartial({ m, c }: Pick<BatchNormDims, 'm' | 'c'>): number {
  elements('batchNormGradient', { m, c });
  return 2 * c * runsOf(m, c, FEWEST_ROWS).count;
}
