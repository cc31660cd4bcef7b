// Guards that kernel factories share: sizes are checked once, before a shader could read outside its buffers.

import { check } from '../../errors/index.js';

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
export const bytesOf = (storage: 'f32' | 'f16'): number => (storage === 'f16' ? 2 : 4);
