// Rows that lie inside a wider tensor: slices are read, and concatenations written, where they are.

import { check } from '../../../errors/index.js';

/** `offset` elements into the tensor, `pitch` elements from row to row. */
export interface Range {
  readonly offset: number;
  readonly pitch: number;
}

/** All of a tensor whose rows have `width` elements. */
export const whole = (width: number): Range => ({ offset: 0, pitch: width });

/** True where rows can be read four elements at a time. */
export const isVec4 = ({ offset, pitch }: Range): boolean => offset % 4 === 0 && pitch % 4 === 0;

/** A range must be of integers and hold `width` elements a row. Error: SHAPE_MISMATCH. */
export function checkRange(where: string, name: string, { offset, pitch }: Range, width: number): void {
  check(
    Number.isInteger(offset) && offset >= 0 && Number.isInteger(pitch) && pitch >= width,
    'SHAPE_MISMATCH',
    () =>
      `${where}: ${name} must start at a natural number and have rows at least ${width} elements apart, got offset ${offset} and pitch ${pitch}; give the pitch of the whole tensor`,
  );
}
