// conv2d-weight-gradient: what a convolution's weight gets back. Its bias gets column-sum.ts.

import type { KernelCall } from '../../kernel.js';
import type { Tuning } from '../../tuning.js';
import { addRuns } from '../reduction/runs.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { type OuterDims, outerPartial, outerTiles } from '../shared/outer-tile.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './conv2d-weight-gradient.wgsl?raw';
import { type Window, type WindowDims, windowOf } from './conv2d-window.js';

/** As of `conv2d`, with one source. */
export type Conv2dGradientDims = Omit<WindowDims, 'channels2'>;

export interface Conv2dWeightGradientOperands<O> {
  /** [batch, height, width, channels]. */
  readonly x: O;
  /** [batch, outHeight, outWidth, outChannels]. */
  readonly dy: O;
  /** `conv2dWeightGradientPartial(dims)` floats; not needed where that is 0. */
  readonly partial?: O | null;
  /** [outChannels, kernelHeight, kernelWidth, channels]. */
  readonly out: O;
}

/**
 * out[o,ky,kx,c] = Σ over output pixels of dy[…,o] · x under tap (ky, kx), channel c; all f32. Long sums are cut into runs
 * of pixels that are added in a second call, in a fixed order: the same bits at every run.
 *
 * Errors: BAD_ARGUMENT (a size, no `partial` where one is needed), SHAPE_MISMATCH (a window larger than the padded map, too
 * many elements), UNSUPPORTED (f16).
 *
 * @example
 * const dims = { batch: 4, height: 56, width: 56, channels: 96, outChannels: 96, kernelHeight: 3, kernelWidth: 3, padding: 1 };
 * const partial = scratch(conv2dWeightGradientPartial(dims));
 * const calls = conv2dWeightGradient(dims, { x, dy, partial, out });
 */
export function conv2dWeightGradient<O>(
  dims: Conv2dGradientDims,
  { x, dy, partial = null, out }: Conv2dWeightGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  checkFp32('conv2dWeightGradient', storage);
  const { window, outer } = geometry(dims);
  const { m, a, b } = outer;
  const { tiling, rows, runs, workgroups } = outerTiles(outer, storage.tuning);
  const packet = packetOf(a, window.channels);
  const kernel = packed('conv2d-weight-gradient', source, packet);
  return addRuns('conv2dWeightGradient', { runs, width: a * b }, { partial, out }, target => ({
    shader: { ...kernel, includes: gradientIncludes, act: 'f32', ...tiling },
    uniforms: {
      ...{ m, a, b, rows, runs },
      ...{ height: dims.height, width: window.width, channels: window.channels / packet },
      ...{ out_height: window.outHeight, out_width: window.outWidth, kernel_width: window.kernelWidth },
      ...{ stride_y: window.strideY, stride_x: window.strideX, padding: window.padding },
    },
    bindings: [
      { operand: dy, access: 'read' },
      { operand: x, access: 'read' },
      { operand: target, access: 'read_write' },
    ],
    workgroups,
    cost: {
      flops: 2 * m * a * b,
      bytes: 4 * (m * a + dims.batch * dims.height * dims.width * dims.channels + runs * a * b),
    },
  }));
}

/** Floats that `conv2dWeightGradient` needs for partial sums; 0: none. Errors: as of it. */
export const conv2dWeightGradientPartial = (dims: Conv2dGradientDims, tuning?: Tuning): number =>
  outerPartial(geometry(dims).outer, tuning);

function geometry(dims: Conv2dGradientDims): { window: Window; outer: OuterDims } {
  const where = 'conv2dWeightGradient';
  const window = windowOf(where, dims);
  const { batch, height, width, channels, outChannels, kernelHeight, kernelWidth } = dims;
  const { outHeight, outWidth } = window;
  elements(where, { batch, height, width, channels });
  elements(where, { batch, outHeight, outWidth, outChannels });
  const b = elements(where, { kernelHeight, kernelWidth, channels });
  elements(where, { outChannels, b });
  return { window, outer: { m: batch * outHeight * outWidth, a: outChannels, b } };
}
