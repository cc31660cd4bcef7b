// From a linear, plain or with its epilogue, to the kernel's call.

import type { KernelCall, KernelStorage } from '../../../gpu/kernel.js';
import { linear as kernel } from '../../../gpu/kernels/matmul/linear.js';
import { sizeOf, type Tensor } from '../../graph.js';
import type { LowerContext, Operand } from '../../rule.js';
import type { Activation } from '../activation.js';
import { last } from './expect.js';

export interface LinearOperands {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly rows?: Tensor | null;
  readonly residual?: Tensor | null;
  readonly scale?: Tensor | null;
  readonly activation?: Activation;
  readonly block?: number;
}

export function lowerLinear(
  { x, weight, bias, rows = null, residual = null, scale = null, activation = 'none', block = 1 }: LinearOperands,
  out: Tensor,
  { temporary, ...storage }: KernelStorage & Pick<LowerContext<unknown>, 'temporary' | 'tuning'>,
): KernelCall<Operand>[] {
  const [n, k] = weight.shape as [number, number];
  const shuffle = block === 1 ? null : { height: x.shape[1]!, width: x.shape[2]!, block };
  const dims = { m: sizeOf(x.shape) / last(x.shape), n, k, period: rows?.shape[0] ?? 1, activation, shuffle };
  const operands = { x, weight, bias, rows, residual, scale, out };
  const whole = storage.weight === 'i8' && storage.tuning.dots?.<Operand>(dims, operands, storage, temporary);
  return whole || [kernel<Operand>(dims, operands, storage)];
}
