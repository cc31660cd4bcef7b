// Strided axes, for kernels that walk up to six of them (include/unravel.wgsl).

import { check } from '../../../errors/index.js';
import type { Uniforms } from '../../kernel.js';

/** An axis of a walk over two arrays: its length and the step in elements in either. */
export interface Axis {
  readonly n: number;
  readonly s: number;
  readonly t: number;
}

export const MAX_RANK = 6;

/** Row-major strides. */
export function contiguous(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/**
 * The same walk with as few axes as possible, innermost last: axes of length 1 are left out, and neighbours merge where
 * the outer step is the inner axis's whole extent in both arrays. At least one axis remains.
 */
export function mergeAxes(axes: readonly Axis[]): Axis[] {
  const merged: Axis[] = [];
  for (const axis of axes) {
    if (axis.n === 1) continue;
    const outer = merged.at(-1);
    if (outer && outer.s === axis.n * axis.s && outer.t === axis.n * axis.t)
      merged[merged.length - 1] = { n: outer.n * axis.n, s: axis.s, t: axis.t };
    else merged.push(axis);
  }
  return merged.length > 0 ? merged : [{ n: 1, s: 1, t: 1 }];
}

/** n0..n5, s0..s5, t0..t5 of the uniform block, innermost first. Throws SHAPE_MISMATCH beyond six axes. */
export function axisUniforms(where: string, axes: readonly Axis[]): Uniforms {
  check(
    axes.length <= MAX_RANK,
    'SHAPE_MISMATCH',
    () =>
      `${where}: at most ${MAX_RANK} axes must be left after merging, got ${axes.map(a => a.n).join('x')}; split the copy or reshape`,
  );
  const inner = [...axes].reverse();
  const field = (key: keyof Axis, absent: number) =>
    Array.from({ length: MAX_RANK }, (_, i) => [`${key}${i}`, inner[i]?.[key] ?? absent] as const);
  return Object.fromEntries([...field('n', 1), ...field('s', 0), ...field('t', 0)]);
}
