// What a depthwise convolution's input and weight get back. Its bias gets column-sum.ts.

import { check } from '../../../errors/index.js';
import { type KernelCall, spread } from '../../kernel.js';
import type { Tuning } from '../../tuning.js';
import { addRuns, runsOf } from '../reduction/runs.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { type DepthwiseDims, depthwiseCall } from './depthwise.js';
import source from './depthwise-weight-gradient.wgsl?raw';

/**
 * out[b,y,x,c] = Σ dy[b, y + ⌊kh/2⌋ - ky, x + ⌊kw/2⌋ - kx, c] weight[ky,kx,c], all f32: the convolution of dy with the
 * weight turned by half a circle.
 *
 * Errors: BAD_ARGUMENT (a size), UNSUPPORTED (an even kernel, f16).
 *
 * @example
 * depthwiseInputGradient(
 *   { batch: 1, height: 56, width: 56, channels: 96, kernelHeight: 7, kernelWidth: 7 }, { dy, weight, out })
 */
export function depthwiseInputGradient<O>(
  dims: DepthwiseDims,
  { dy, weight, out }: { readonly dy: O; readonly weight: O; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('depthwiseInputGradient', storage);
  return depthwiseCall('depthwiseInputGradient', dims, { x: dy, weight, out }, { ...fp32, ...storage }, { flip: true });
}

export interface DepthwiseWeightGradientOperands<O> {
  /** [batch, height, width, channels]. */
  readonly x: O;
  /** As x. */
  readonly dy: O;
  /** `depthwiseWeightGradientPartial(dims)` floats; not needed where that is 0. */
  readonly partial?: O | null;
  /** [kernelHeight, kernelWidth, channels]. */
  readonly out: O;
}

/**
 * out[ky,kx,c] = Σ dy[b,y,x,c] x[b, y - ⌊kh/2⌋ + ky, x - ⌊kw/2⌋ + kx, c], all f32. Lines are cut into runs that are added
 * in a second call, in a fixed order: the same bits at every run.
 *
 * Errors: BAD_ARGUMENT (a size, no `partial` where one is needed), UNSUPPORTED (an even kernel, f16).
 *
 * @example
 * const dims = { batch: 4, height: 56, width: 56, channels: 96, kernelHeight: 7, kernelWidth: 7 };
 * const partial = scratch(depthwiseWeightGradientPartial(dims));
 * const calls = depthwiseWeightGradient(dims, { x, dy, partial, out });
 */
export function depthwiseWeightGradient<O>(
  dims: DepthwiseDims,
  { x, dy, partial = null, out }: DepthwiseWeightGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  checkFp32('depthwiseWeightGradient', storage);
  const { batch, height, width, channels, kernelHeight, kernelWidth } = dims;
  const { packets, weights, lines, runs } = cut(dims, storage.tuning);
  const count = batch * height * width * channels;
  return addRuns('depthwiseWeightGradient', { runs: runs.count, width: weights }, { partial, out }, target => ({
    shader: {
      ...packed('depthwise-weight-gradient', source, packetOf(channels)),
      includes: gradientIncludes,
      act: 'f32',
      tile: { KERNEL_WIDTH: kernelWidth },
    },
    uniforms: {
      ...{ lines, height, width, packets, kernel_height: kernelHeight },
      ...{ lines_per_run: runs.length, runs: runs.count },
    },
    bindings: [
      { operand: dy, access: 'read' },
      { operand: x, access: 'read' },
      { operand: target, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil((packets * kernelHeight * runs.count) / 64)),
    cost: { flops: 2 * count * kernelHeight * kernelWidth, bytes: 4 * (2 * count + runs.count * weights) },
  }));
}

/** Floats that `depthwiseWeightGradient` needs for partial sums; 0: none. Errors: as of it. */
export function depthwiseWeightGradientPartial(dims: DepthwiseDims, tuning?: Tuning): number {
  const { runs, weights } = cut(dims, tuning);
  return runs.count === 1 ? 0 : runs.count * weights;
}

function cut({ batch, height, width, channels, kernelHeight, kernelWidth }: DepthwiseDims, tuning?: Tuning) {
  const where = 'depthwiseWeightGradient';
  elements(where, { batch, height, width, channels });
  const weights = elements(where, { kernelHeight, kernelWidth, channels });
  check(
    kernelHeight % 2 === 1 && kernelWidth % 2 === 1,
    'UNSUPPORTED',
    `${where}: kernels must have odd sides, got ${kernelHeight} x ${kernelWidth}; pad the weight with zeros`,
  );
  const packets = channels / packetOf(channels);
  const lines = batch * height;
  return { packets, weights, lines, runs: runsOf(lines, packets * kernelHeight, 1, tuning) };
}
