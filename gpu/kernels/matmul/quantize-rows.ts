// Activations as whole numbers, a scale for each row.

import { check } from '../../../errors/index.js';
import { type KernelCall, spread } from '../../kernel.js';
import { checkRange, isVec4, type Range } from '../shared/range.js';
import { bytesOf, checkSizes } from '../shared/sizes.js';
import source from './quantize-rows.wgsl?raw';

export interface QuantizeRowsDims {
  readonly m: number;
  /** A multiple of four. */
  readonly k: number;
  /** Where the rows of x lie, in elements; multiples of four. */
  readonly x: Range;
}

export interface QuantizeRowsOperands<O> {
  /** [m, k], activations. */
  readonly x: O;
  /** [m, 4 · quantizedStrips(k)] words of four int8. */
  readonly q: O;
  /** [m], f32. */
  readonly scale: O;
}

/** Strips of 16 that a quantized row takes: it ends in zeros. */
export const quantizedStrips = (k: number): number => Math.ceil(k / 16);

/**
 * q = round(x / scale), scale = max |x| / 127 of each row.
 *
 * Errors: BAD_ARGUMENT (a size), SHAPE_MISMATCH (k, the offset or the pitch no multiple of four, a pitch too short).
 *
 * @example
 * quantizeRows({ m: 49, k: 768, x: { offset: 0, pitch: 768 } }, { x, q, scale }, 'f16')
 */
export function quantizeRows<O>(
  { m, k, x: at }: QuantizeRowsDims,
  { x, q, scale }: QuantizeRowsOperands<O>,
  act: 'f32' | 'f16',
): KernelCall<O> {
  checkSizes('quantizeRows', { m, k });
  checkRange('quantizeRows', 'x', at, k);
  check(
    k % 4 === 0 && isVec4(at),
    'SHAPE_MISMATCH',
    () =>
      `quantizeRows: k, offset and pitch must be multiples of four, got ${k}, ${at.offset} and ${at.pitch}; use linear`,
  );
  const strips = quantizedStrips(k);
  return {
    shader: { name: 'quantize-rows', source, act },
    uniforms: { m, quads: k / 4, strips, x_offset: at.offset / 4, x_pitch: at.pitch / 4 },
    bindings: [
      { operand: x, access: 'read' },
      { operand: q, access: 'read_write' },
      { operand: scale, access: 'read_write' },
    ],
    workgroups: spread(m),
    cost: { flops: 4 * m * k, bytes: m * (k * bytesOf(act) + 16 * strips + 4) },
  };
}
