// The one table of tolerances. `close` is |actual - expected| <= abs + rel |expected|, for every element.

import { expect } from 'vitest';

export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

/** By the type that results are stored in; the figures are onnxruntime's for its own kernels. */
export const tolerance = {
  f32: { abs: 1e-5, rel: 1e-4 },
  f16: { abs: 2.5e-3, rel: 1e-3 },
  /** A whole network against golden states: every output in fp32, logits in fp16. */
  golden: { abs: 2e-4, rel: 2e-4 },
  goldenFull: { abs: 1e-3, rel: 0 },
  goldenHalf: { abs: 3e-2, rel: 0 },
  /** Copies, gathers, integer results. */
  exact: { abs: 0, rel: 0 },
} as const satisfies Record<string, Tolerance>;

/** Fails with the worst element's index and values. NaN and infinity are never close to anything. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, allowed: Tolerance): void {
  expect(actual.length, 'number of elements').toBe(expected.length);
  let worst = { index: -1, excess: 0 };
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    const excess = Number.isFinite(error) ? error - (allowed.abs + allowed.rel * Math.abs(expected[i]!)) : Infinity;
    if (excess > worst.excess) worst = { index: i, excess };
  }
  const { index } = worst;
  if (index >= 0)
    expect.fail(
      `element ${index} of ${expected.length}: got ${actual[index]}, expected ${expected[index]} within ${allowed.abs} + ${allowed.rel} * |expected|`,
    );
}
