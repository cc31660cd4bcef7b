// Guards that the ops' shape inference shares.

import { check } from '../../../errors/index.js';
import { type Shape, showShape } from '../../graph.js';

/** Throws SHAPE_MISMATCH with what must hold and the shapes given. */
export function expectShapes(
  condition: unknown,
  where: string,
  rule: string,
  ...shapes: (Shape | null)[]
): asserts condition {
  check(
    condition,
    'SHAPE_MISMATCH',
    () => `${where}: ${rule}, got ${shapes.map(s => (s === null ? 'nothing' : showShape(s))).join(' and ')}`,
  );
}

/** The shape at `index`; throws where an input that the op cannot do without is absent. */
export function required(inputs: readonly (Shape | null)[], index: number, where: string): Shape {
  const shape = inputs[index];
  check(shape, 'SHAPE_MISMATCH', () => `${where}: input ${index} must be given, got nothing`);
  return shape;
}

/** Optional input `index` must be a vector of `length`. */
export function optionalVector(inputs: readonly (Shape | null)[], index: number, length: number, where: string): void {
  const shape = inputs[index] ?? null;
  expectShapes(
    shape === null || (shape.length === 1 && shape[0] === length),
    where,
    `input ${index} must be a vector of ${length}`,
    shape,
  );
}

export const last = (shape: Shape): number => shape[shape.length - 1]!;
