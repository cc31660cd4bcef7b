// conv2d-input-gradient: what a convolution's input gets back.

import type { KernelCall } from '../../kernel.js';
import { linearInputGradient } from '../matmul/linear-input-gradient.js';
import { gemmTiles } from '../shared/epilogue.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './conv2d-input-gradient.wgsl?raw';
import type { Conv2dGradientDims } from './conv2d-weight-gradient.js';
import { windowOf } from './conv2d-window.js';

export interface Conv2dInputGradientOperands<O> {
  /** [batch, outHeight, outWidth, outChannels]. */
  readonly dy: O;
  /** [outChannels, kernelHeight, kernelWidth, channels]. */
  readonly weight: O;
  /** [batch, height, width, channels]. */
  readonly out: O;
}

/**
 * out = the transposed convolution of dy with weight, all f32; pixels that no window reaches get zero.
 *
 * Errors: BAD_ARGUMENT (a size), SHAPE_MISMATCH (a window larger than the padded map, too many elements), UNSUPPORTED (f16).
 *
 * @example
 * conv2dInputGradient(
 *   { batch: 1, height: 56, width: 56, channels: 96, outChannels: 96, kernelHeight: 3, kernelWidth: 3, padding: 1 },
 *   { dy, weight, out })
 */
export function conv2dInputGradient<O>(
  dims: Conv2dGradientDims,
  { dy, weight, out }: Conv2dInputGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O> {
  const where = 'conv2dInputGradient';
  checkFp32(where, storage);
  const { batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride = 1, padding = 0 } = dims;
  const { outHeight, outWidth } = windowOf(where, dims);
  const count = elements(where, { batch, height, width, channels });
  const read = elements(where, { batch, outHeight, outWidth, outChannels });
  const weights = elements(where, { outChannels, kernelHeight, kernelWidth, channels });
  if (isPatches(dims)) {
    // Every input pixel lies in exactly one window: one product, its rows unfolded into blocks.
    const shuffle = { width: outWidth, block: stride };
    const k = kernelHeight * kernelWidth * channels;
    return linearInputGradient(
      { m: batch * outHeight * outWidth, k, n: outChannels, shuffle },
      { dy, weight, out },
      storage,
    );
  }
  const m = batch * height * width;
  const k = kernelHeight * kernelWidth * outChannels;
  const packet = packetOf(outChannels);
  const kernel = packed('conv2d-input-gradient', source, packet);
  const { tiling, workgroups } = gemmTiles(m, channels, storage.tuning);
  return {
    shader: { ...kernel, act: 'f32', weight: 'f32', ...tiling },
    constants: { strided: Number(stride > 1) },
    uniforms: {
      ...{ m, n: channels, strips: Math.ceil(k / 4) },
      ...{ height, width, out_height: outHeight, out_width: outWidth, out_channels: outChannels / packet },
      ...{ kernel_height: kernelHeight, kernel_width: kernelWidth, stride, padding },
    },
    bindings: [
      { operand: dy, access: 'read' },
      { operand: weight, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups,
    cost: { flops: 2 * m * channels * k, bytes: 4 * (count + read + weights) },
  };
}

function isPatches({ height, width, kernelHeight, kernelWidth, stride = 1, padding = 0 }: Conv2dGradientDims): boolean {
  const square = kernelHeight === stride && kernelWidth === stride && padding === 0;
  return square && height % stride === 0 && width % stride === 0;
}
