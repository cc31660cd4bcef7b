// Overlays: what must not change does not, what must be seen is there.

import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { simplify } from '../../node/images/contour.js';
import { drawOverlay } from '../../node/images/overlay.js';
import type { Lesion, Pixels } from '../../runtime/types.js';

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const picture = (width: number, height: number, channels: 1 | 3 | 4 = 3): Pixels => {
  const data = new Uint8Array(width * height * channels).map(
    (_, i) => [150, 84, 73, 255][channels === 1 ? 0 : i % channels]! + (channels === 4 ? 0 : (i * 31) % 9),
  );
  return { data, width, height, channels };
};

/** The border of a box, along pixel centres, as `Lesion.contour` has it. */
function outline({ x, y, width, height }: Box): Int32Array {
  const [right, bottom] = [x + width - 1, y + height - 1];
  const points: number[] = [];
  for (let i = x; i < right; i++) points.push(i, y);
  for (let i = y; i < bottom; i++) points.push(right, i);
  for (let i = right; i > x; i--) points.push(i, bottom);
  for (let i = bottom; i > y; i--) points.push(x, i);
  return Int32Array.from(points.length > 0 ? points : [x, y]);
}

function boxes(width: number, height: number, ...list: Box[]): { mask: Uint8Array; lesions: Lesion[] } {
  const mask = new Uint8Array(width * height);
  const lesions = list.map(box => {
    for (let r = 0; r < box.height; r++)
      mask.fill(1, (box.y + r) * width + box.x, (box.y + r) * width + box.x + box.width);
    return {
      score: 0.9,
      box: [box.x, box.y, box.width, box.height] as const,
      area: box.width * box.height,
      contour: outline(box),
      holes: [],
    };
  });
  return { mask, lesions };
}

/** [height, width, 3] of a PNG. */
async function pixelsOf(png: Uint8Array) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  return { at, data, width: info.width, height: info.height };
}

describe('drawOverlay', () => {
  test('without lesions is the picture, byte for byte', async () => {
    const pixels = picture(120, 100);
    const out = await pixelsOf(await drawOverlay({ pixels, mask: new Uint8Array(12_000), lesions: [] }));
    expect(Buffer.compare(out.data, Buffer.from(pixels.data))).toBe(0);
  });

  test('changes nothing away from the lesion, its contour and its number', async () => {
    const pixels = picture(300, 200);
    const box = { x: 100, y: 80, width: 60, height: 50 };
    const out = await pixelsOf(await drawOverlay({ pixels, ...boxes(300, 200, box) }));
    const margin = 40;
    let compared = 0;
    for (let y = 0; y < 200; y++) {
      for (let x = 0; x < 300; x++) {
        const near =
          x > box.x - margin && x < box.x + box.width + margin && y > box.y - margin && y < box.y + box.height + margin;
        if (near) continue;
        const i = (y * 300 + x) * 3;
        expect(out.at(x, y)).toEqual([...pixels.data.subarray(i, i + 3)]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(30_000);
  });

  test('tints the inside lightly, draws a bright line on the border and a dark one beside it', async () => {
    const pixels = picture(300, 200);
    const out = await pixelsOf(
      await drawOverlay({ pixels, ...boxes(300, 200, { x: 100, y: 60, width: 80, height: 80 }) }),
    );
    const before = [...pixels.data.subarray((100 * 300 + 140) * 3, (100 * 300 + 140) * 3 + 3)];
    const inside = out.at(140, 100);
    // 22 % of (86, 190, 255).
    inside.forEach((value, c) => {
      expect(Math.abs(value - (before[c]! * 0.78 + [86, 190, 255][c]! * 0.22))).toBeLessThan(1);
    });
    const [red, , blue] = out.at(100, 100);
    expect(blue! - red!).toBeGreaterThan(60);
    const halo = out.at(99, 100);
    expect(halo[0]).toBeLessThan(110);
  });

  test('keeps holes free of tint', async () => {
    const { mask, lesions } = boxes(300, 200, { x: 60, y: 40, width: 120, height: 120 });
    for (let y = 90; y < 110; y++) mask.fill(0, y * 300 + 110, y * 300 + 130);
    const pixels = picture(300, 200);
    const out = await pixelsOf(await drawOverlay({ pixels, mask, lesions }));
    const i = (100 * 300 + 120) * 3;
    expect(out.at(120, 100)).toEqual([...pixels.data.subarray(i, i + 3)]);
    expect(out.at(120, 60)).not.toEqual([...pixels.data.subarray(i, i + 3)]);
  });

  test('puts numbers beside lesions, not on them', async () => {
    const list = [
      { x: 10, y: 10, width: 60, height: 60 },
      { x: 200, y: 20, width: 90, height: 40 },
      { x: 120, y: 130, width: 50, height: 60 },
    ];
    const out = await pixelsOf(await drawOverlay({ pixels: picture(300, 200), ...boxes(300, 200, ...list) }));
    // The plates of numbers are near black; nothing inside a lesion is.
    const dark = (x: number, y: number) => Math.max(...out.at(x, y)) < 60;
    let plates = 0;
    for (let y = 0; y < 200; y++) for (let x = 0; x < 300; x++) if (dark(x, y)) plates++;
    expect(plates).toBeGreaterThan(150);
    for (const { x, y, width, height } of list) {
      for (let r = 3; r < height - 3; r++) for (let c = 3; c < width - 3; c++) expect(dark(x + c, y + r)).toBe(false);
    }
  });

  test('draws a speck without a number', async () => {
    const plates = async (side: number) => {
      const lesion = boxes(300, 200, { x: 150, y: 100, width: side, height: side });
      const { data } = await pixelsOf(await drawOverlay({ pixels: picture(300, 200), ...lesion }));
      let dark = 0;
      for (let i = 0; i < data.length; i += 3) if (Math.max(data[i]!, data[i + 1]!, data[i + 2]!) < 45) dark++;
      return dark;
    };
    expect(await plates(3)).toBe(0);
    expect(await plates(20)).toBeGreaterThan(50);
  });

  test('gives neighbours different colours', async () => {
    const list = [0, 1, 2, 3, 4].map(i => ({ x: 20 + i * 55, y: 80, width: 30, height: 40 }));
    const out = await pixelsOf(await drawOverlay({ pixels: picture(300, 200), ...boxes(300, 200, ...list) }));
    const tints = list.map(({ x, y }) => out.at(x + 15, y + 20));
    for (const [i, a] of tints.entries()) {
      for (const b of tints.slice(i + 1)) expect(Math.max(...a.map((v, c) => Math.abs(v - b[c]!)))).toBeGreaterThan(12);
    }
  });

  test.each([1, 3, 4] as const)('takes %i channels', async channels => {
    const out = await pixelsOf(
      await drawOverlay({ pixels: picture(64, 48, channels), ...boxes(64, 48, { x: 20, y: 20, width: 9, height: 9 }) }),
    );
    expect([out.width, out.height]).toEqual([64, 48]);
    if (channels === 1) expect(new Set(out.at(2, 2)).size).toBe(1);
  });

  test.each([
    ['1 x 1', 1, 1, { x: 0, y: 0, width: 1, height: 1 }],
    ['1 x 900', 1, 900, { x: 0, y: 300, width: 1, height: 50 }],
    ['all of it', 200, 150, { x: 0, y: 0, width: 200, height: 150 }],
    ['a corner', 200, 150, { x: 190, y: 140, width: 10, height: 10 }],
  ])('copes with %s', async (_, width, height, box) => {
    const out = await pixelsOf(await drawOverlay({ pixels: picture(width, height), ...boxes(width, height, box) }));
    expect([out.width, out.height]).toEqual([width, height]);
  });

  test('copes with hundreds of lesions', async () => {
    const list = Array.from({ length: 400 }, (_, i) => ({
      x: (i % 20) * 15 + 3,
      y: Math.floor(i / 20) * 10 + 3,
      width: 4,
      height: 4,
    }));
    expect((await pixelsOf(await drawOverlay({ pixels: picture(300, 210), ...boxes(300, 210, ...list) }))).width).toBe(
      300,
    );
  });

  test('draws a large picture smaller, with its thinnest lesion', async () => {
    const out = await pixelsOf(
      await drawOverlay({ pixels: picture(8192, 20), ...boxes(8192, 20, { x: 4001, y: 5, width: 1, height: 8 }) }),
    );
    expect([out.width, out.height]).toEqual([4096, 10]);
    const [red, , blue] = out.at(2000, 4);
    expect(blue! - red!).toBeGreaterThan(0);
  });

  test('wants all of the mask', async () => {
    const wrong = drawOverlay({ pixels: picture(4, 4), mask: new Uint8Array(15), lesions: [] });
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message: /4 x 4 bytes, got 15/ });
  });
});

describe('simplify', () => {
  const distance = ([x, y]: number[], [ax, ay]: number[], [bx, by]: number[]) => {
    const [dx, dy] = [bx! - ax!, by! - ay!];
    const t = Math.min(1, Math.max(0, ((x! - ax!) * dx + (y! - ay!) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(x! - ax! - t * dx, y! - ay! - t * dy);
  };
  const pairs = (flat: ArrayLike<number>) =>
    Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);

  test('leaves the corners of a box', () => {
    const contour = Float64Array.from(outline({ x: 2, y: 3, width: 30, height: 20 }));
    expect(pairs(simplify(contour, 0.5))).toEqual([
      [2, 3],
      [31, 3],
      [31, 22],
      [2, 22],
    ]);
  });
  test('keeps every point of a digital circle within the tolerance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 60 }),
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        (radius, tolerance) => {
          const steps = Array.from({ length: radius * 8 }, (_, i) => (i * Math.PI) / (radius * 4));
          const contour = Float64Array.from(
            steps.flatMap(a => [Math.round(radius * Math.cos(a)), Math.round(radius * Math.sin(a))]),
          );
          const kept = pairs(simplify(contour, tolerance));
          expect(kept.length).toBeLessThanOrEqual(steps.length);
          for (const point of pairs(contour)) {
            const nearest = Math.min(...kept.map((a, i) => distance(point, a, kept[(i + 1) % kept.length]!)));
            expect(nearest).toBeLessThanOrEqual(tolerance + 1e-9);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
