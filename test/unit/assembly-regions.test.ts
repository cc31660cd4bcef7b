import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, createAssembly, loadAssembly } from '../../assembly/instance.js';
import { findRegions, segmentRegions, upsampleMask } from '../../assembly/regions.js';
import { TmcaError } from '../../errors/index.js';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** PyTorch's `interpolate(mode='bilinear', align_corners=False)` at one output pixel, in f64. */
function sample(map: ArrayLike<number>, size: number, width: number, height: number, x: number, y: number): number {
  const place = (i: number, length: number) => {
    const at = Math.max(0, ((i + 0.5) * size) / length - 0.5);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, size - 1), at - low] as const;
  };
  const [x0, x1, u] = place(x, width);
  const [y0, y1, v] = place(y, height);
  const row = (r: number) => map[r * size + x0]! * (1 - u) + map[r * size + x1]! * u;
  return row(y0) * (1 - v) + row(y1) * v;
}

const picture = (...rows: string[]) => ({
  width: rows[0]!.length,
  height: rows.length,
  mask: Uint8Array.from(rows.join(''), c => Number(c === '#')),
});

const masks = (side: number) =>
  fc
    .record({
      width: fc.integer({ min: 1, max: side }),
      height: fc.integer({ min: 1, max: side }),
      density: fc.integer({ min: 1, max: 9 }),
    })
    .chain(({ width, height, density }) =>
      fc
        .array(fc.integer({ min: 0, max: 9 }), { minLength: width * height, maxLength: width * height })
        .map(values => ({ width, height, mask: Uint8Array.from(values, v => (v < density ? 1 : 0)) })),
    );

type Mask = ReturnType<typeof picture>;

/** Flood fill: sorted pixel lists of the 8-connected components. */
function floodFill({ width, height, mask }: Mask): number[][] {
  const seen = new Set<number>();
  const components: number[][] = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen.has(start)) continue;
    const pixels = [start];
    seen.add(start);
    for (const at of pixels) {
      for (const n of neighbours(at, width, height)) {
        if (!mask[n] || seen.has(n)) continue;
        seen.add(n);
        pixels.push(n);
      }
    }
    components.push(pixels.sort((a, b) => a - b));
  }
  return components;
}

function neighbours(at: number, width: number, height: number): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  return [-1, 0, 1]
    .flatMap(dy => [-1, 0, 1].map(dx => [x + dx, y + dy] as const))
    .filter(([u, v]) => u >= 0 && v >= 0 && u < width && v < height && (u !== x || v !== y))
    .map(([u, v]) => v * width + u);
}

/** Pixels of a component that touch, by an edge, the background that reaches the image's outside. */
function outerBoundary(pixels: number[], width: number, height: number): Set<number> {
  // One pixel of margin all round; 4-connected background from its corner.
  const [w, h] = [width + 2, height + 2];
  const solid = new Set(pixels.map(p => (Math.floor(p / width) + 1) * w + (p % width) + 1));
  const outside = [0];
  const seen = new Set(outside);
  const boundary = new Set<number>();
  for (const at of outside) {
    const [x, y] = [at % w, Math.floor(at / w)];
    for (const [u, v] of [
      [x - 1, y],
      [x + 1, y],
      [x, y - 1],
      [x, y + 1],
    ] as const) {
      if (u < 0 || v < 0 || u >= w || v >= h) continue;
      const n = v * w + u;
      if (solid.has(n)) boundary.add((v - 1) * width + u - 1);
      else if (!seen.has(n)) outside.push(n) && seen.add(n);
    }
  }
  return boundary;
}

describe('upsampleMask', () => {
  const map = (size: number, seed = 1) =>
    Float32Array.from({ length: size * size }, (_, i) => (((i + seed) * 7919) % 1000) / 1000);

  test.each([
    [4, 4, 4],
    [3, 17, 11],
    [7, 50, 33],
    [8, 5, 3],
    [1, 9, 4],
    [5, 1, 40],
    [16, 333, 2],
  ])('side %i -> %i x %i is a thresholded bilinear sample', (size, width, height) => {
    const source = map(size);
    for (const threshold of [0, 0.3, 0.5, 0.9]) {
      const got = upsampleMask(assembly, source, size, width, height, { threshold });
      for (let i = 0; i < got.length; i++) {
        const p = sample(source, size, width, height, i % width, Math.floor(i / width));
        // Within f32's rounding of the threshold either answer is right.
        if (Math.abs(p - threshold) > 1e-6) expect([i, got[i]]).toEqual([i, Number(p >= threshold)]);
      }
    }
  });

  test('logits go through the sigmoid before they are blended', () => {
    const logits = Float32Array.of(-30, 4, 2, -1);
    const probabilities = logits.map(sigmoid);
    const got = upsampleMask(assembly, logits, 2, 40, 30, { logits: true, threshold: 0.5 });
    expect(got).toEqual(upsampleMask(assembly, probabilities, 2, 40, 30, { threshold: 0.5 }));
    expect(got).not.toEqual(upsampleMask(assembly, logits, 2, 40, 30, { threshold: 0 }));
    expect(upsampleMask(assembly, Float32Array.of(Infinity), 1, 1, 1, { logits: true })).toEqual(Uint8Array.of(1));
  });

  test('the threshold itself belongs', () => {
    expect(upsampleMask(assembly, Float32Array.of(0.5), 1, 2, 1)).toEqual(Uint8Array.of(1, 1));
  });

  test('bad input is named', () => {
    const code = (call: () => unknown) => {
      try {
        call();
      } catch (error) {
        return error instanceof TmcaError ? `${error.code} ${error.message}` : error;
      }
      return 'fine';
    };
    const one = Float32Array.of(1);
    expect(code(() => upsampleMask(assembly, Float32Array.of(Number.NaN), 1, 2, 2))).toMatch(
      'MODEL_NOT_FINITE upsampleMask: map must hold numbers, got NaN',
    );
    expect(code(() => upsampleMask(assembly, one, 2, 2, 2))).toMatch(
      'map must be square, got 1 values for a size of 2',
    );
    expect(code(() => upsampleMask(assembly, one, 1, 0, 2))).toMatch('must be at least 1 x 1, got 0 x 2');
    expect(code(() => upsampleMask(assembly, one, 1, 2, 2, { threshold: 2 }))).toMatch(
      'threshold must be in 0..1, got 2',
    );
    expect(code(() => upsampleMask(assembly, one, 1, 40_000, 40_000))).toMatch('IMAGE_TOO_LARGE');
    expect(code(() => segmentRegions(assembly, one, 1, 2, 2, { minArea: -1 }))).toMatch('minArea must be in 0..1');
  });
});

describe('findRegions', () => {
  test('areas and boxes are those of a flood fill', () => {
    fc.assert(
      fc.property(masks(70), m => {
        const expected = floodFill(m).map(pixels => {
          const [xs, ys] = [pixels.map(p => p % m.width), pixels.map(p => Math.floor(p / m.width))];
          const [x, y] = [Math.min(...xs), Math.min(...ys)];
          return { area: pixels.length, box: [x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1] };
        });
        const got = findRegions(assembly, m.mask, m.width, m.height);
        const key = (r: { area: number; box: readonly number[] }) => `${r.area} ${r.box}`;
        expect(got.map(key).sort()).toEqual(expected.map(key).sort());
        expect(got.map(r => r.area)).toEqual(got.map(r => r.area).sort((a, b) => b - a));
        expect(got.every(r => r.score === 1)).toBe(true);
      }),
      { numRuns: 120 },
    );
  });

  test('a contour visits exactly the outer boundary, step by step, and closes', () => {
    fc.assert(
      fc.property(masks(24), m => {
        const components = floodFill(m);
        for (const { contour } of findRegions(assembly, m.mask, m.width, m.height)) {
          const points = Array.from(
            { length: contour.length / 2 },
            (_, i) => contour[2 * i + 1]! * m.width + contour[2 * i]!,
          );
          const own = components.find(pixels => pixels.includes(points[0]!))!;
          expect(new Set(points)).toEqual(outerBoundary(own, m.width, m.height));
          points.forEach((p, i) => {
            const next = points[(i + 1) % points.length]!;
            if (points.length > 1) expect(neighbours(p, m.width, m.height)).toContain(next);
          });
        }
      }),
      { numRuns: 120 },
    );
  });

  test('a square is walked counter-clockwise from its top left corner, a line there and back', () => {
    const square = picture('....', '.##.', '.##.');
    expect(findRegions(assembly, square.mask, 4, 3)[0]!.contour).toEqual(Int32Array.of(1, 1, 1, 2, 2, 2, 2, 1));
    const line = picture('###');
    expect(findRegions(assembly, line.mask, 3, 1)[0]!.contour).toEqual(Int32Array.of(0, 0, 1, 0, 2, 0, 1, 0));
    expect(findRegions(assembly, Uint8Array.of(1), 1, 1)[0]!.contour).toEqual(Int32Array.of(0, 0));
  });

  test('arms that meet late are one component; diagonals connect; holes do not matter', () => {
    const m = picture('#.#.#..', '#.#.#..', '.#.#..#', '.......', '###....', '#.#....', '###....');
    const regions = findRegions(assembly, m.mask, m.width, m.height);
    expect(regions.map(r => [r.area, [...r.box]])).toEqual([
      [8, [0, 0, 5, 3]],
      [8, [0, 4, 3, 3]],
      [1, [6, 2, 1, 1]],
    ]);
  });

  test('minArea leaves small ones out; an empty mask has none', () => {
    const m = picture('##.#', '##..');
    expect(findRegions(assembly, m.mask, 4, 2, { minArea: 2 / 8 })).toHaveLength(1);
    expect(findRegions(assembly, new Uint8Array(8), 4, 2)).toEqual([]);
  });

  test('a chequer of 40,000 components grows the table', () => {
    const mask = Uint8Array.from({ length: 400 * 400 }, (_, i) => Number(i % 2 === 0 && Math.floor(i / 400) % 2 === 0));
    expect(findRegions(assembly, mask, 400, 400)).toHaveLength(40_000);
  });
});

describe('segmentRegions', () => {
  const map = Float32Array.of(0.9, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.7, 0.95);

  test('gives the mask of upsampleMask, and mean probabilities as scores', () => {
    const [width, height] = [61, 47];
    const { mask, regions } = segmentRegions(assembly, map, 3, width, height);
    expect(mask).toEqual(upsampleMask(assembly, map, 3, width, height));
    const components = floodFill({ width, height, mask });
    expect(regions).toHaveLength(components.length);
    for (const { area, score } of regions) {
      const pixels = components.find(c => c.length === area)!;
      const sum = pixels.reduce((s, p) => s + sample(map, 3, width, height, p % width, Math.floor(p / width)), 0);
      expect(score).toBeCloseTo(sum / area, 6);
    }
  });

  test('what is too small is in no list and not in the mask, and is counted', () => {
    const [width, height] = [61, 47];
    const all = segmentRegions(assembly, map, 3, width, height);
    const areas = all.regions.map(({ area }) => area);
    expect(areas).toHaveLength(2);
    const [large, small] = areas as [number, number];
    // the share itself is not too small
    for (const share of [0, small / (width * height)])
      expect(segmentRegions(assembly, map, 3, width, height, { minArea: share })).toEqual(all);
    const found = segmentRegions(assembly, map, 3, width, height, { minArea: large / (width * height) });
    expect(found.omitted).toEqual({ count: 1, area: small });
    expect(found.regions).toEqual(all.regions.slice(0, 1));
    expect(findRegions(assembly, found.mask, width, height).map(({ area }) => area)).toEqual([large]);
    const none = segmentRegions(assembly, map, 3, width, height, { minArea: 1 });
    expect(none).toEqual({
      regions: [],
      omitted: { count: 2, area: large + small },
      mask: new Uint8Array(width * height),
    });
  });

  test('masks keep the pixels of what is listed, whatever their shape', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 1), { minLength: 81, maxLength: 81 }),
        fc.constantFrom(0, 0.03, 0.1, 0.5),
        (bits, minArea) => {
          const found = segmentRegions(assembly, Float32Array.from(bits), 9, 9, 9, { minArea });
          const kept = findRegions(assembly, found.mask, 9, 9);
          const listed = found.regions.map(({ box, area, contour }) => ({ box, area, contour }));
          expect(kept.map(({ box, area, contour }) => ({ box, area, contour }))).toEqual(listed);
          const set = bits.filter(bit => bit === 1).length;
          expect(found.omitted.area + listed.reduce((sum, { area }) => sum + area, 0)).toBe(set);
        },
      ),
    );
  });

  test('100 megapixels take a bit a pixel', async () => {
    const own = await createAssembly();
    const { mask, regions } = segmentRegions(own, map, 3, 10_000, 10_000);
    expect(regions).toHaveLength(2);
    let set = 0;
    for (const x of mask) set += x;
    expect(regions.reduce((n, r) => n + r.area, 0)).toBe(set);
    expect(own.memoryBytes).toBeLessThan(32 * 2 ** 20);
  });
});
