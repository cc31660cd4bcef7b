// From a LayerNorm, with or without what is added before and after, to the kernel's call.

import type { KernelCall } from '../../../gpu/kernel.js';
import { layerNorm as kernel } from '../../../gpu/kernels/norm/layer-norm.js';
import { sizeOf, type Tensor } from '../../graph.js';
import type { LowerContext, Operand } from '../../rule.js';
import { last } from './expect.js';

export interface LayerNormOperands {
  readonly x: Tensor;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly pre?: Tensor | null;
  readonly post?: Tensor | null;
}

export function lowerLayerNorm(
  { x, weight, bias, pre = null, post = null }: LayerNormOperands,
  eps: number,
  out: Tensor,
  { act, tuning }: Pick<LowerContext<unknown>, 'act' | 'tuning'>,
): KernelCall<Operand> {
  const channels = last(out.shape);
  return kernel<Operand>(
    { m: sizeOf(out.shape) / channels, c: channels, eps },
    { x, weight, bias, pre, post, out },
    { act, tuning },
  );
}
