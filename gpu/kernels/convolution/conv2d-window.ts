// The geometry that a convolution and its gradients share.

import { check } from '../../../errors/index.js';
import { checkSizes } from '../shared/sizes.js';

export interface WindowDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  /** Channels of x. */
  readonly channels: number;
  /** Channels of x2; 0 if not given. */
  readonly channels2?: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride?: number;
  /** Zeros on every side. */
  readonly padding?: number;
}

/** The sliding window as the kernel walks it. */
export interface Window {
  readonly width: number;
  readonly channels: number;
  readonly channels2: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly padding: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** Errors: BAD_ARGUMENT (a size), SHAPE_MISMATCH (a window larger than the padded map). */
export function windowOf(where: string, dims: WindowDims): Window {
  const { batch, height, width, channels, channels2 = 0, outChannels, kernelHeight, kernelWidth } = dims;
  const { stride = 1, padding = 0 } = dims;
  checkSizes(where, { batch, height, width, channels, outChannels, kernelHeight, kernelWidth, stride });
  checkSizes(where, { channels2, padding }, 0);
  check(
    kernelHeight <= height + 2 * padding && kernelWidth <= width + 2 * padding,
    'SHAPE_MISMATCH',
    () =>
      `${where}: the kernel must fit into the padded map, got ${kernelHeight} x ${kernelWidth} on ${height} x ${width} with padding ${padding}; use a larger image or more padding`,
  );
  const outHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  const common = { channels2, kernelHeight, strideY: stride, padding, outHeight, outWidth };
  // Patches of whole pixels: the kernelWidth · channels numbers of a patch's row are contiguous, so they are one wide
  // pixel. Three channels, which no vec4 fits, become twelve.
  const patches = kernelWidth === stride && padding === 0 && channels2 === 0 && width % kernelWidth === 0;
  return patches
    ? { ...common, width: width / kernelWidth, channels: channels * kernelWidth, kernelWidth: 1, strideX: 1 }
    : { ...common, width, channels, kernelWidth, strideX: stride };
}
