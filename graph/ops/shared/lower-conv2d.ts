// From a convolution, plain or with its epilogue, to the kernel's call.

import type { KernelCall, KernelStorage } from '../../../gpu/kernel.js';
import { conv2d as kernel } from '../../../gpu/kernels/convolution/conv2d.js';
import type { Tensor } from '../../graph.js';
import type { Operand } from '../../rule.js';
import type { Activation } from '../activation.js';
import type { Conv2dAttrs } from '../conv2d.js';
import type { DepthToSpaceAttrs } from '../depth-to-space.js';

export interface Conv2dOperands {
  readonly x: Tensor;
  readonly x2?: Tensor | null;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly gate?: Tensor | null;
  readonly scale?: Tensor | null;
}

export function lowerConv2d(
  { x, x2 = null, weight, bias, gate = null, scale = null }: Conv2dOperands,
  attrs: Conv2dAttrs & Partial<DepthToSpaceAttrs> & { readonly activation?: Activation },
  out: Tensor,
  storage: KernelStorage,
): KernelCall<Operand> {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [outChannels, kernelHeight, kernelWidth] = weight.shape as [number, number, number];
  const { stride, padding, activation = 'none', block = 1, order = 'CRD' } = attrs;
  return kernel<Operand>(
    {
      batch,
      height,
      width,
      channels,
      channels2: x2?.shape[3] ?? 0,
      outChannels,
      kernelHeight,
      kernelWidth,
      stride,
      padding,
      activation,
      shuffle: block === 1 ? null : { block, order },
    },
    { x, x2, weight, bias, gate, scale, out },
    storage,
  );
}
