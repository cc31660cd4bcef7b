// Arrays of halves (IEEE 754 binary16, as bits in a Uint16Array) to and from floats.

import { check } from '../errors/index.js';
import type { Assembly } from './instance.js';

/** Values a pass moves through wasm memory: 64 KiB of floats, 32 KiB of halves. A multiple of the module's groups of 8. */
const CHUNK = 1 << 14;

/**
 * Floats to the bits of halves: round to nearest even, beyond 65,519 to infinity, subnormals exact, NaN kept NaN.
 *
 * @param out where to write; a new array if not given.
 * @example
 * toHalf(assembly, Float32Array.of(1, 65520)); // Uint16Array [0x3c00, 0x7c00]
 */
export function toHalf(assembly: Assembly, values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  return throughScratch(assembly, values.length, out, 'toHalf', (scratch, start, end) => {
    assembly.write(scratch, values.subarray(start, end));
    assembly.exports.halfFromFloat(scratch, scratch + CHUNK * 4, end - start);
    assembly.read(scratch + CHUNK * 4, out.subarray(start, end));
  });
}

/** The bits of halves to floats, exactly; NaN kept NaN. */
export function fromHalf(assembly: Assembly, values: Uint16Array, out = new Float32Array(values.length)): Float32Array {
  return throughScratch(assembly, values.length, out, 'fromHalf', (scratch, start, end) => {
    assembly.write(scratch + CHUNK * 4, values.subarray(start, end));
    assembly.exports.floatFromHalf(scratch + CHUNK * 4, scratch, end - start);
    assembly.read(scratch, out.subarray(start, end));
  });
}

/** Calls `step(scratch, start, end)` over [0, length) in chunks; scratch is f32 [CHUNK], f16 [CHUNK]. */
function throughScratch<Out extends ArrayLike<number>>(
  assembly: Assembly,
  length: number,
  out: Out,
  where: string,
  step: (scratch: number, start: number, end: number) => void,
): Out {
  check(out.length === length, 'BAD_ARGUMENT', `${where}: out must hold ${length} values, got ${out.length}`);
  const scratch = assembly.alloc(CHUNK * 6, where);
  try {
    for (let start = 0; start < length; start += CHUNK) step(scratch, start, Math.min(length, start + CHUNK));
  } finally {
    assembly.free(scratch);
  }
  return out;
}
