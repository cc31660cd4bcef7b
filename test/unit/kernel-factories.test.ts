// Kernel factories without a device: what they refuse, and that what they ask for fits every device.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { KernelCall } from '../../gpu/kernel.js';
import {
  binary,
  embedding,
  l2Normalize,
  layerNorm,
  ltem,
  mask,
  maskedMean,
  maskProbability,
  maxPool,
  reduce,
  resizeBilinear,
  softmax,
  stridedCopy,
  unary,
} from '../../gpu/kernels/index.js';
import { type Axis, contiguous, mergeAxes } from '../../gpu/kernels/shared/axes.js';
import { rowTile } from '../../gpu/kernels/shared/row-tile.js';

const act = { act: 'f32' } as const;
const both = { act: 'f32', weight: 'f32' } as const;
const io = { x: 0, out: 1 };
const maps = { batch: 1, height: 2, width: 2, channels: 2 };

describe('refusals', () => {
  const cases: [string, () => unknown, TmcaError['code'], string][] = [
    ['a dimension of 0', () => layerNorm({ m: 0, c: 4, eps: 1 }, io, act), 'BAD_ARGUMENT', 'layerNorm: m must be'],
    ['a fraction', () => softmax({ m: 1, n: 1.5 }, io, act), 'BAD_ARGUMENT', 'softmax: n must be'],
    ['eps 0', () => layerNorm({ m: 1, c: 4, eps: 0 }, io, act), 'BAD_ARGUMENT', 'eps must be a positive number, got 0'],
    [
      'weight without bias',
      () => layerNorm({ m: 1, c: 4, eps: 1 }, { ...io, weight: 2 }, act),
      'SHAPE_MISMATCH',
      'layerNorm: weight and bias must come together',
    ],
    ['negative eps', () => l2Normalize({ m: 1, n: 1, eps: -1 }, io, act), 'BAD_ARGUMENT', 'l2Normalize: eps must be'],
    [
      'too many elements',
      () => softmax({ m: 65536, n: 65536 }, io, act),
      'SHAPE_MISMATCH',
      'softmax: a tensor must have fewer than 2^32 elements, got [65536, 65536]',
    ],
    [
      'an unknown function',
      () => unary({ count: 1, kind: 'cbrt' as 'exp' }, io, act),
      'BAD_ARGUMENT',
      'unary: kind must be one of neg, exp,',
    ],
    [
      'a slope that is no number',
      () => unary({ count: 1, kind: 'leakyRelu', slope: Number.NaN }, io, act),
      'BAD_ARGUMENT',
      'unary: slope must be finite, got NaN',
    ],
    [
      'shapes that do not broadcast',
      () => binary({ kind: 'add', aShape: [2, 3], bShape: [2] }, { a: 0, b: 1, out: 2 }, act),
      'SHAPE_MISMATCH',
      'binary: shapes must broadcast, got [2, 3] and [2]',
    ],
    [
      'seven axes that do not merge',
      () =>
        binary(
          { kind: 'add', aShape: [2, 1, 2, 1, 2, 1, 2], bShape: [1, 2, 1, 2, 1, 2, 1] },
          { a: 0, b: 1, out: 2 },
          act,
        ),
      'SHAPE_MISMATCH',
      'binary: at most 6 axes must be left after merging',
    ],
    [
      'an unknown reduction',
      () => reduce({ outer: 1, n: 1, inner: 1, kind: 'min' as 'max' }, io, act),
      'BAD_ARGUMENT',
      'reduce: kind must be one of sum, mean, max, got min',
    ],
    [
      'a norm without eps',
      () =>
        embedding(
          { m: 1, length: 1, dim: 1, vocabulary: 1 },
          { table: 0, ids: 1, normWeight: 2, normBias: 3, out: 4 },
          both,
        ),
      'BAD_ARGUMENT',
      'embedding: eps must be a positive number',
    ],
    [
      'half a norm',
      () =>
        embedding({ m: 1, length: 1, dim: 1, vocabulary: 1, eps: 1 }, { table: 0, ids: 1, normBias: 3, out: 4 }, both),
      'SHAPE_MISMATCH',
      'embedding: normWeight and normBias must come together',
    ],
    [
      'a vocabulary beyond i32',
      () => embedding({ m: 1, length: 1, dim: 1, vocabulary: 2 ** 31 }, { table: 0, ids: 1, out: 4 }, both),
      'SHAPE_MISMATCH',
      'embedding: ids are i32',
    ],
    [
      'a text of no words',
      () => maskedMean({ batch: 1, length: 0, channels: 3 }, { x: 0, mask: 1, out: 2 }, act),
      'BAD_ARGUMENT',
      'maskedMean: length must be',
    ],
    [
      'one stride too few',
      () => stridedCopy({ shape: [2, 3], strides: [1] }, io, act),
      'SHAPE_MISMATCH',
      'stridedCopy: strides must be one per axis, got 1 and 2 for [2, 3]',
    ],
    [
      'a negative stride',
      () => stridedCopy({ shape: [2], strides: [-1] }, io, act),
      'BAD_ARGUMENT',
      'stridedCopy: strides[0] must be',
    ],
    [
      'a copy beyond u32',
      () => stridedCopy({ shape: [3], strides: [2 ** 31] }, io, act),
      'SHAPE_MISMATCH',
      'stridedCopy: strides must stay below 2^32 elements',
    ],
    [
      'an empty map',
      () => resizeBilinear({ ...maps, outHeight: 0, outWidth: 2 }, io, act),
      'BAD_ARGUMENT',
      'resizeBilinear: outHeight must be',
    ],
    [
      'a pool padded by more than half its window',
      () => maxPool({ ...maps, outHeight: 2, outWidth: 2, size: 3, stride: 2, padding: 2 }, io, act),
      'BAD_ARGUMENT',
      'maxPool: padding must be at most half of size, got 2 and 3',
    ],
    [
      'a pool that stands still',
      () => maxPool({ ...maps, outHeight: 2, outWidth: 2, size: 2, stride: 0, padding: 0 }, io, act),
      'BAD_ARGUMENT',
      'maxPool: stride must be an integer of at least 1, got 0',
    ],
    [
      'tau 0',
      () => ltem({ ...maps, tau: 0 }, { x: 0, text: 1, similarity: 2, out: 3 }, act),
      'BAD_ARGUMENT',
      'ltem: tau must be',
    ],
    [
      'a threshold in percent',
      () => mask({ height: 1, width: 1, outHeight: 1, outWidth: 1, threshold: 50 }, io, act),
      'BAD_ARGUMENT',
      'mask: threshold must be a probability from 0 to 1, got 50',
    ],
    [
      'no probabilities',
      () => maskProbability({ count: 0 }, io, act),
      'BAD_ARGUMENT',
      'maskProbability: count must be',
    ],
  ];
  test.each(cases)('%s', (_, call, code, message) => {
    const error = (() => {
      try {
        return call();
      } catch (e) {
        return e;
      }
    })();
    expect(error).toBeInstanceOf(TmcaError);
    expect((error as TmcaError).code).toBe(code);
    expect((error as TmcaError).message).toContain(message);
  });
});

describe('limits of every device', () => {
  const dim = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 71, max: 5000 }));
  const calls = fc.oneof(
    fc.tuple(dim, dim).map(([m, c]) => layerNorm({ m, c, eps: 1 }, io, act)),
    fc.tuple(dim, dim).map(([m, n]) => softmax({ m, n }, io, act)),
    fc
      .tuple(dim, dim, fc.integer({ min: 1, max: 100 }))
      .map(([outer, n, inner]) => reduce({ outer, n, inner, kind: 'sum' }, io, act)),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(count => unary({ count, kind: 'exp' }, io, act)),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }).map(n => stridedCopy({ shape: [n], strides: [1] }, io, act)),
    fc
      .tuple(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 1, max: 65535 }))
      .map(([h, w]) => mask({ height: 1, width: 1, outHeight: h, outWidth: w, threshold: 0.5 }, io, act)),
  ) as fc.Arbitrary<KernelCall<number>>;

  test('workgroups, threads and bindings', () => {
    fc.assert(
      fc.property(calls, ({ workgroups, bindings, shader, cost }) => {
        expect(workgroups.every(n => Number.isInteger(n) && n >= 1 && n <= 65535)).toBe(true);
        expect(bindings.length).toBeLessThanOrEqual(8);
        const { GROUP = 64, COLUMNS = 1, SLICES = 1 } = shader.tile ?? {};
        expect(Math.max(GROUP, COLUMNS * SLICES)).toBeLessThanOrEqual(256);
        expect(cost.bytes).toBeGreaterThan(0);
      }),
    );
  });

  test('lanes fill their workgroup', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100000 }), units => {
        const { LANES, ROWS, GROUP } = rowTile(units);
        expect(LANES * ROWS).toBe(GROUP);
        expect(Number.isInteger(Math.log2(LANES))).toBe(true);
      }),
    );
  });
});

describe('mergeAxes', () => {
  /** Every pair of offsets, in row-major order. */
  const walk = (axes: readonly Axis[]): string[] =>
    axes
      .reduce(
        (pairs, { n, s, t }) => pairs.flatMap(([a, b]) => Array.from({ length: n }, (_, i) => [a + i * s, b + i * t])),
        [[0, 0]] as number[][],
      )
      .map(String);

  test('walks the same way, over no more axes', () => {
    const axis = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(axis, fc.boolean()), { maxLength: 6 }), fc.nat(), (list, turn) => {
        const shape = list.map(([n]) => n);
        const t = contiguous(shape);
        // The other side permuted (rotated), and stretched along some axes.
        const order = shape.map((_, i) => (i + turn) % shape.length);
        const rotated = contiguous(order.map(i => shape[i]!));
        const axes = list.map(([n, stretched], i) => ({ n, s: stretched ? 0 : rotated[order.indexOf(i)]!, t: t[i]! }));
        const merged = mergeAxes(axes);
        expect(walk(merged)).toEqual(walk(axes));
        expect(merged.length).toBeLessThanOrEqual(Math.max(1, axes.length));
      }),
    );
  });

  test('a permutation that keeps neighbours together has two axes left', () => {
    // [2,3,4,5] to [4,5,2,3].
    const shape = [4, 5, 2, 3];
    const axes = [5, 1, 60, 20].map((s, i) => ({ n: shape[i]!, s, t: contiguous(shape)[i]! }));
    expect(mergeAxes(axes)).toEqual([
      { n: 20, s: 1, t: 6 },
      { n: 6, s: 20, t: 1 },
    ]);
  });
});
