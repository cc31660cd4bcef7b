// What the backward kernels share: they run in fp32 only, and those with partial sums say when a buffer for them is missing.

import { check } from '../../../errors/index.js';
import type { KernelStorage, WeightStorage } from '../../kernel.js';
import type { Tuning } from '../../tuning.js';
import { given } from './guard.js';

/** Element types as the forward kernels take them; a backward kernel accepts f32 alone. */
export interface GradientStorage {
  readonly act: 'f32' | 'f16';
  readonly weight?: WeightStorage;
  readonly tuning?: Tuning;
}

/** The only storage of backward kernels: gradients of TMCA span more orders of magnitude than f16 holds. */
export const fp32: KernelStorage = { act: 'f32', weight: 'f32' };

/** Throws UNSUPPORTED for anything but f32. */
export function checkFp32(where: string, { act, weight = 'f32' }: GradientStorage): void {
  check(
    act === 'f32' && weight === 'f32',
    'UNSUPPORTED',
    `${where}: gradients must be stored in f32, got act ${act} and weight ${weight}; train in fp32`,
  );
}

/** Throws BAD_ARGUMENT where a kernel needs a scratch operand of so many floats and got none. */
export function checkScratch(where: string, name: string, operand: unknown, floats: number): void {
  check(
    floats === 0 || given(operand),
    'BAD_ARGUMENT',
    `${where}: ${name} must be a buffer of ${floats} floats, got none; allocate it for the time of the calls`,
  );
}
