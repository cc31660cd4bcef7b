// Guards that kernel factories share: sizes are checked once, before a shader could read outside its buffers.

import { check } from '../../../errors/index.js';
import type { WeightStorage } from '../../kernel.js';

/** Every named size must be an integer of at least `least` that a u32 holds. Error: BAD_ARGUMENT. */
export function checkSizes(where: string, sizes: Readonly<Record<string, number>>, least = 1): void {
  for (const [name, size] of Object.entries(sizes))
    check(
      Number.isInteger(size) && size >= least && size < 2 ** 32,
      'BAD_ARGUMENT',
      () => `${where}: ${name} must be an integer of at least ${least}, got ${size}; correct the dimensions`,
    );
}

/** Bytes of an element. */
export const bytesOf = (storage: WeightStorage): number => ({ f32: 4, f16: 2, i8: 1 })[storage];
