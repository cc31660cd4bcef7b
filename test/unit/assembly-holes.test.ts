// Holes of lesions: as many as there are, each with the pixels round it.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, loadAssembly } from '../../assembly/instance.js';
import { findRegions, segmentRegions } from '../../assembly/regions.js';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});

interface Mask {
  readonly width: number;
  readonly height: number;
  readonly mask: Uint8Array;
}

const picture = (...rows: string[]): Mask => ({
  width: rows[0]!.length,
  height: rows.length,
  mask: Uint8Array.from(rows.join(''), c => Number(c === '#')),
});

const holesOf = ({ mask, width, height }: Mask) =>
  findRegions(assembly, mask, width, height).map(({ holes }) => holes.map(hole => [...hole]));

/** Everything that is reached from `start` by steps to cells that `open` admits. */
function reach(start: string, steps: readonly (readonly [number, number])[], open: (cell: string) => boolean) {
  const cells = new Set([start]);
  for (const cell of cells) {
    const [x, y] = cell.split(',').map(Number) as [number, number];
    for (const [dx, dy] of steps) if (open(`${x + dx},${y + dy}`)) cells.add(`${x + dx},${y + dy}`);
  }
  return cells;
}

const EDGES = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;
const CORNERS = [
  [1, 1],
  [1, -1],
  [-1, 1],
  [-1, -1],
] as const;

/** For each hole of the component of a pixel, the component's pixels that touch it by an edge: by sets, without any border following. */
function rims({ width, height, mask }: Mask, pixel: string): string[] {
  const isSet = (cell: string) => {
    const [x, y] = cell.split(',').map(Number) as [number, number];
    return x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  };
  const within = (cell: string) => {
    const [x, y] = cell.split(',').map(Number) as [number, number];
    return x >= -1 && y >= -1 && x <= width && y <= height;
  };
  const own = reach(pixel, [...EDGES, ...CORNERS], isSet);
  const seen = reach('-1,-1', EDGES, cell => within(cell) && !own.has(cell));
  const found: string[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = `${x},${y}`;
      if (seen.has(cell) || own.has(cell)) continue;
      const hole = reach(cell, EDGES, next => !own.has(next));
      for (const part of hole) seen.add(part);
      const rim = [...own].filter(pixel => {
        const [px, py] = pixel.split(',').map(Number) as [number, number];
        return EDGES.some(([dx, dy]) => hole.has(`${px + dx},${py + dy}`));
      });
      found.push(rim.sort().join(' '));
    }
  return found;
}

const pointsOf = (contour: Int32Array) =>
  Array.from({ length: contour.length / 2 }, (_, i) => [contour[2 * i]!, contour[2 * i + 1]!] as const);

describe('holes', () => {
  test('a ring has one, walked clockwise from the pixel before its first', () => {
    const ring = picture('....', '.###', '.#.#', '.###');
    expect(holesOf(ring)).toEqual([[[1, 2, 2, 1, 3, 2, 2, 3]]]);
  });

  test('what only touches the outside, also through a diagonal of background, is none', () => {
    expect(holesOf(picture('###', '#.#', '#.#'))).toEqual([[]]);
    expect(holesOf(picture('#'))).toEqual([[]]);
    // 8-connected pixels enclose at their corners
    expect(holesOf(picture('.#.', '#.#', '.#.'))).toEqual([[[0, 1, 1, 0, 2, 1, 1, 2]]]);
  });

  test('an island in a hole is a lesion of its own, with its own hole', () => {
    const both = picture('#######', '#.....#', '#.###.#', '#.#.#.#', '#.###.#', '#.....#', '#######');
    const [outer, inner] = holesOf(both);
    expect(outer).toHaveLength(1);
    expect(inner).toEqual([[2, 3, 3, 2, 4, 3, 3, 4]]);
  });

  test('a speck that is left out does not fill or split the hole it lies in', () => {
    const size = 9;
    const rows = [
      '.........',
      '.#######.',
      '.#.....#.',
      '.#.....#.',
      '.#..#..#.',
      '.#.....#.',
      '.#.....#.',
      '.#######.',
    ];
    const { mask } = picture(...rows, '.........');
    const found = segmentRegions(assembly, Float32Array.from(mask), size, size, size, { minArea: 0.1 });
    expect(found.omitted.count).toBe(1);
    expect(found.regions.map(({ holes }) => holes.length)).toEqual([1]);
  });

  test('of any mask: one contour for each, of exactly the pixels round it, step by step, and closed', () => {
    const masks = fc
      .integer({ min: 1, max: 16 })
      .chain(width =>
        fc
          .integer({ min: 1, max: 16 })
          .chain(height =>
            fc
              .integer({ min: 2, max: 9 })
              .chain(density =>
                fc
                  .array(fc.integer({ min: 0, max: 9 }), { minLength: width * height, maxLength: width * height })
                  .map(
                    (values): Mask => ({ width, height, mask: Uint8Array.from(values, v => (v < density ? 1 : 0)) }),
                  ),
              ),
          ),
      );
    let holed = 0;
    fc.assert(
      fc.property(masks, m => {
        for (const { contour, holes } of findRegions(assembly, m.mask, m.width, m.height)) {
          const expected = rims(m, `${contour[0]},${contour[1]}`);
          holed += expected.length;
          const got = holes.map(hole => [...new Set(pointsOf(hole).map(([x, y]) => `${x},${y}`))].sort().join(' '));
          expect(got).toEqual(expected);
          for (const hole of holes) {
            const points = pointsOf(hole);
            points.forEach(([x, y], i) => {
              const [nextX, nextY] = points[(i + 1) % points.length]!;
              expect(Math.max(Math.abs(nextX - x), Math.abs(nextY - y))).toBe(1);
            });
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(holed).toBeGreaterThan(100);
  });
});
