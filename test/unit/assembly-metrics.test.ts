import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, createAssembly, loadAssembly } from '../../assembly/instance.js';
import { confusion, Evaluator, hausdorff95, overlap } from '../../assembly/metrics.js';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});

interface Pair {
  width: number;
  height: number;
  a: Uint8Array;
  b: Uint8Array;
}

/** Two masks of one size; any byte but 0 counts as set, from sparse to full. */
const pairs = (side: number): fc.Arbitrary<Pair> =>
  fc
    .record({ width: fc.integer({ min: 1, max: side }), height: fc.integer({ min: 1, max: side }) })
    .chain(({ width, height }) => {
      const pixels = fc
        .integer({ min: 0, max: 9 })
        .chain(density =>
          fc
            .array(fc.integer({ min: 0, max: 9 }), { minLength: width * height, maxLength: width * height })
            .map(values => Uint8Array.from(values, v => (v < density ? 1 + v * 28 : 0))),
        );
      return fc.record({ width: fc.constant(width), height: fc.constant(height), a: pixels, b: pixels });
    });

describe('confusion', () => {
  test('counts what a loop counts', () => {
    fc.assert(
      fc.property(pairs(40), ({ a, b }) => {
        const count = (p: boolean, q: boolean) => a.filter((x, i) => x > 0 === p && b[i]! > 0 === q).length;
        expect(confusion(assembly, a, b)).toEqual({
          truePositive: count(true, true),
          falsePositive: count(true, false),
          falseNegative: count(false, true),
          trueNegative: count(false, false),
        });
      }),
    );
  });

  test('over many chunks', () => {
    const a = new Uint8Array(200_001).fill(1);
    const b = a.map((_, i) => (i % 3 === 0 ? 255 : 0));
    expect(confusion(assembly, a, b)).toEqual({
      truePositive: 66_667,
      falsePositive: 133_334,
      falseNegative: 0,
      trueNegative: 0,
    });
  });

  test('masks of two sizes are refused', () => {
    const call = () => confusion(assembly, new Uint8Array(3), new Uint8Array(4));
    expect(call).toThrow('confusion: masks must be of one size, got 3 and 4 pixels');
  });
});

describe('overlap', () => {
  const counts = (truePositive: number, falsePositive: number, falseNegative: number, trueNegative: number) => ({
    truePositive,
    falsePositive,
    falseNegative,
    trueNegative,
  });

  test('of counts', () => {
    expect(overlap(counts(6, 2, 4, 8))).toEqual({ dice: 12 / 18, iou: 6 / 12, accuracy: 14 / 20 });
  });

  test('both empty is 1, one empty is 0', () => {
    expect(overlap(counts(0, 0, 0, 9))).toEqual({ dice: 1, iou: 1, accuracy: 1 });
    expect(overlap(counts(0, 0, 3, 6))).toEqual({ dice: 0, iou: 0, accuracy: 6 / 9 });
    expect(overlap(counts(0, 3, 0, 6))).toMatchObject({ dice: 0, iou: 0 });
  });

  test('pooled over pixels, averaged over images', () => {
    const evaluator = new Evaluator(assembly);
    expect(evaluator.add(Uint8Array.of(1, 1, 0, 0), Uint8Array.of(1, 0, 0, 0)).dice).toBe(2 / 3);
    evaluator.add(new Uint8Array(4), new Uint8Array(4));
    evaluator.add(Uint8Array.of(1, 1, 1, 1), Uint8Array.of(0, 1, 1, 1));
    const { n, dice, iou, accuracy, meanDice, meanIou } = evaluator.result();
    expect([n, dice, iou, accuracy]).toEqual([3, 8 / 10, 4 / 6, 10 / 12]);
    expect(meanDice).toBeCloseTo((2 / 3 + 1 + 6 / 7) / 3, 12);
    expect(meanIou).toBeCloseTo((1 / 2 + 1 + 3 / 4) / 3, 12);
    expect(() => new Evaluator(assembly).result()).toThrow('at least one image must be added, got none');
  });
});

/** All pairs of boundary pixels, and numpy's percentile. */
function bruteForce({ width, height, a, b }: Pair): number {
  const boundary = (m: Uint8Array) => {
    const set = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && m[y * width + x]! > 0;
    const points: [number, number][] = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = set(x - 1, y) && set(x + 1, y) && set(x, y - 1) && set(x, y + 1);
        if (set(x, y) && !inside) points.push([x, y]);
      }
    }
    return points;
  };
  const [p, q] = [boundary(a), boundary(b)];
  const to = (from: [number, number][], all: [number, number][]) =>
    from.map(([x, y]) => Math.min(...all.map(([u, v]) => Math.hypot(x - u, y - v))));
  const distances = [...to(p, q), ...to(q, p)].sort((x, y) => x - y);
  const at = 0.95 * (distances.length - 1);
  const low = distances[Math.floor(at)]!;
  return low + (at - Math.floor(at)) * (distances[Math.ceil(at)]! - low);
}

describe('hausdorff95', () => {
  test('equals brute force', () => {
    fc.assert(
      fc.property(pairs(36), pair => {
        fc.pre(pair.a.some(x => x > 0) && pair.b.some(x => x > 0));
        const got = hausdorff95(assembly, pair.a, pair.b, pair.width, pair.height);
        expect(got).toBeCloseTo(bruteForce(pair), 9);
      }),
      { numRuns: 200 },
    );
  });

  test('of blobs across words of the bitmap, far apart', () => {
    const [width, height] = [131, 67];
    const disc = (cx: number, cy: number, r: number) =>
      Uint8Array.from({ length: width * height }, (_, i) =>
        Number(Math.hypot((i % width) - cx, Math.floor(i / width) - cy) <= r),
      );
    const pair = { width, height, a: disc(30, 20, 17), b: disc(101, 44, 22) };
    expect(hausdorff95(assembly, pair.a, pair.b, width, height)).toBeCloseTo(bruteForce(pair), 9);
    expect(hausdorff95(assembly, pair.a, pair.a, width, height)).toBe(0);
  });

  test('a shift by a 3-4-5 triangle', () => {
    const [a, b] = [new Uint8Array(100), new Uint8Array(100)];
    a[11] = 1;
    b[44 + 10] = 1;
    expect(hausdorff95(assembly, a, b, 10, 10)).toBe(5);
  });

  test('long thin masks: squares near the end of 31 bits', () => {
    const a = new Uint8Array(32767);
    const b = new Uint8Array(32767);
    a[0] = 1;
    b[32766] = 1;
    expect(hausdorff95(assembly, a, b, 32767, 1)).toBe(32766);
    expect(hausdorff95(assembly, a, b, 1, 32767)).toBe(32766);
  });

  test('empty masks: both 0, one Infinity', () => {
    const [none, some] = [new Uint8Array(6), Uint8Array.of(0, 0, 1, 0, 0, 0)];
    expect(hausdorff95(assembly, none, none, 3, 2)).toBe(0);
    expect(hausdorff95(assembly, some, none, 3, 2)).toBe(Number.POSITIVE_INFINITY);
    expect(hausdorff95(assembly, none, some, 3, 2)).toBe(Number.POSITIVE_INFINITY);
  });

  test('bad sizes are named, memory comes back', async () => {
    expect(() => hausdorff95(assembly, new Uint8Array(5), new Uint8Array(6), 3, 2)).toThrow(
      'hausdorff95: mask must hold 3 x 2 bytes, got 5',
    );
    const wide = new Uint8Array(32768);
    expect(() => hausdorff95(assembly, wide, wide, 32768, 1)).toThrow('sides must be at most 32767, got 32768 x 1');
    const own = await createAssembly();
    const a = new Uint8Array(300 * 300).fill(1);
    hausdorff95(own, a, a, 300, 300);
    const before = own.memoryBytes;
    for (let i = 0; i < 20; i++) hausdorff95(own, a, a, 300, 300);
    expect(own.memoryBytes).toBe(before);
  });
});
