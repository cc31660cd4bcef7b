// Element types of the safetensors format and their width.

import { show } from '../../errors/show.js';

/** Bytes of one element. */
export const WIDTH = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type SafetensorsDType = keyof typeof WIDTH;

export const isDType = (value: unknown): value is SafetensorsDType =>
  typeof value === 'string' && Object.hasOwn(WIDTH, value);

/** One tensor: little-endian numbers, row-major. `bytes` may be a view of a larger buffer and need not be aligned. */
export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  /** None for a scalar; a 0 among them for a tensor without elements. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Number of elements, or the rule that a shape breaks. Products are taken from the left, so that an overflow is seen even
 * where a later dimension is 0, as in the format's own reader.
 */
export function countElements(shape: readonly unknown[]): { count: number } | { broken: string; got: string } {
  let count = 1;
  for (const dim of shape) {
    const broken = brokenDimension(dim);
    if (broken) return { broken, got: show(dim) };
    count *= dim as number;
    if (!Number.isSafeInteger(count)) return { broken: 'the number of elements must be below 2^53', got: show(shape) };
  }
  return { count };
}

function brokenDimension(dim: unknown): string | null {
  if (typeof dim !== 'number') return 'dimensions must be numbers';
  if (dim < 0 || Object.is(dim, -0)) return 'dimensions must not be negative';
  if (!Number.isInteger(dim)) return 'dimensions must be whole numbers';
  return Number.isSafeInteger(dim) ? null : 'dimensions must be below 2^53';
}
