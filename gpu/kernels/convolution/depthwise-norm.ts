// The first half of a ConvNeXt block in one dispatch: depthwise convolution and LayerNorm. Its affine part is given where
// `fold` could not move it into the linear layer that follows. The kernel is depthwise.wgsl.

import type { KernelCall, KernelStorage } from '../../kernel.js';
import { checkPositive, checkTogether } from '../shared/guard.js';
import { type DepthwiseDims, type DepthwiseOperands, depthwiseCall, type NormOperands } from './depthwise.js';

/**
 * out = (y - mean(y)) / sqrt(var(y) + eps) normWeight + normBias over the channels of each pixel, y as of `depthwise`, in f32 throughout;
 * population variance, in two passes.
 *
 * Errors: BAD_ARGUMENT (a size, eps), SHAPE_MISMATCH (half of the affine part), UNSUPPORTED (an even kernel).
 *
 * @example
 * depthwiseNorm(
 *   { batch: 1, height: 56, width: 56, channels: 96, kernelHeight: 7, kernelWidth: 7, eps: 1e-6 },
 *   { x, weight, bias, out }, { act: 'f16', weight: 'f16' })
 */
export function depthwiseNorm<O>(
  dims: DepthwiseDims & { readonly eps: number },
  operands: DepthwiseOperands<O> & NormOperands<O>,
  storage: KernelStorage,
): KernelCall<O> {
  checkPositive('depthwiseNorm', 'eps', dims.eps);
  checkTogether('depthwiseNorm', 'normWeight and normBias', operands.normWeight, operands.normBias);
  return depthwiseCall('depthwiseNorm', dims, operands, storage, { eps: dims.eps });
}
