// Guards beyond the sizes of sizes.ts: whole tensors, scalars, cases, operands that come together.

import { check } from '../../../errors/index.js';
import type { WeightStorage } from '../../kernel.js';
import { checkSizes } from './sizes.js';

/**
 * The number of elements of a tensor of these dimensions. Errors: BAD_ARGUMENT (one that is no positive integer),
 * SHAPE_MISMATCH (u32 offsets cannot reach all elements).
 */
export function elements(where: string, dims: Readonly<Record<string, number>>): number {
  checkSizes(where, dims);
  const shape = Object.values(dims);
  const count = shape.reduce((a, b) => a * b, 1);
  check(
    count < 2 ** 32,
    'SHAPE_MISMATCH',
    () => `${where}: a tensor must have fewer than 2^32 elements, got [${shape.join(', ')}]; split it`,
  );
  return count;
}

/** A shape's dimensions by name, for `elements`. */
export const named = (name: string, shape: readonly number[]): Record<string, number> =>
  Object.fromEntries(shape.map((n, i) => [`${name}[${i}]`, n]));

/** Throws BAD_ARGUMENT unless the number is finite and above zero. */
export function checkPositive(where: string, name: string, x: number): void {
  check(
    Number.isFinite(x) && x > 0,
    'BAD_ARGUMENT',
    () => `${where}: ${name} must be a positive number, got ${x}; correct the configuration`,
  );
}

/** Throws SHAPE_MISMATCH where only one of two operands that belong together is given. */
export function checkTogether(where: string, names: string, first: unknown, second: unknown): void {
  check(
    given(first) === given(second),
    'SHAPE_MISMATCH',
    () => `${where}: ${names} must come together, got one of them; give both or neither`,
  );
}

/** Throws BAD_ARGUMENT where whole numbers stand for weights and nothing says of which size. */
export function checkScale(where: string, weight: WeightStorage, scale: unknown): void {
  check(
    weight !== 'i8' || given(scale) === 1,
    'BAD_ARGUMENT',
    `${where}: int8 weights must come with their scales, got none; give the scale operand`,
  );
}

/** Position of a name among the cases of a kernel; throws BAD_ARGUMENT for any other. */
export function caseOf<K extends string>(where: string, kinds: readonly K[], kind: K): number {
  const index = kinds.indexOf(kind);
  check(
    index >= 0,
    'BAD_ARGUMENT',
    () => `${where}: kind must be one of ${kinds.join(', ')}, got ${kind}; correct the call`,
  );
  return index;
}

/** 1 where an optional operand is given: the value of its override. */
export const given = (operand: unknown): 0 | 1 => ((operand ?? null) === null ? 0 : 1);
