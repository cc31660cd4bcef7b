// Results in forms that other programs read: run lengths, PNG, JSON, one lesion's pixels, the share of the view.

import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, loadAssembly } from '../../assembly/instance.js';
import {
  fromRle,
  lesionMask,
  maskToPng,
  probabilityToPng,
  shareOfView,
  toJson,
  toRle,
  toRuns,
} from '../../runtime/index.js';
import { flatSegmentation, segmentationOf } from '../../runtime/session/segmentation.js';
import type { Made, Segmentation } from '../../runtime/types.js';
import fixture from '../fixtures/rle.json';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});

const ms = { preprocess: 1, network: 2, postprocess: 3, total: 6 };

/** A result whose mask is drawn: `#` is set. */
function drawn(...rows: string[]): Segmentation {
  const size = rows.length;
  const logits = Float32Array.from(rows.join(''), c => (c === '#' ? 40 : -40));
  return { ...segmentationOf(assembly, logits, size, { width: size, height: size }, { minArea: 0 }), ms };
}

const ring = () => drawn('......', '.####.', '.#..#.', '.#..#.', '.####.', '......');
const two = () => drawn('##....', '##....', '......', '...###', '...#.#', '...###');

const decode = async (png: Blob) => sharp(await png.arrayBuffer());

describe('run lengths', () => {
  test.each(fixture)("are pycocotools' ($height x $width), and come back", ({ height, width, mask, counts }) => {
    const pixels = Uint8Array.from(mask, Number);
    const result = { mask: pixels, width, height };
    expect(toRle(result)).toEqual({ size: [height, width], counts });
    expect(fromRle({ size: [height, width], counts })).toEqual(pixels);
    expect(fromRle(toRuns(result))).toEqual(pixels);
  });

  test('as numbers go down the columns, zeros first', () => {
    const result = { mask: Uint8Array.of(1, 0, 1, 1, 0, 0), width: 3, height: 2 };
    expect(toRuns(result)).toEqual({ size: [2, 3], counts: [0, 2, 2, 1, 1] });
    expect(JSON.parse(JSON.stringify(toRuns(result))).counts).toEqual([0, 2, 2, 1, 1]);
  });

  test('of one lesion leave the others out', () => {
    const result = two();
    const [large, small] = result.lesions as [Segmentation['lesions'][number], Segmentation['lesions'][number]];
    const of = (lesion: typeof large) => fromRle(toRle(result, lesion));
    expect(of(large).reduce((a, b) => a + b)).toBe(large.area);
    expect(of(small)).toEqual(Uint8Array.from('110000110000000000000000000000000000', Number));
    expect(of(large).map((value, i) => value + of(small)[i]!)).toEqual(result.mask);
  });

  test('that are none, and results that are none, are named', () => {
    const fail = (call: () => unknown) => expect(call).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    fail(() => fromRle({ size: [2, 2], counts: [1, 2] }));
    fail(() => fromRle({ size: [2, 2], counts: 'é' }));
    fail(() => fromRle({ counts: [4] } as never));
    fail(() => fromRle({ size: [2, 2] } as never));
    fail(() => fromRle(undefined as never));
    fail(() => toRle(undefined as never));
    fail(() => toRle({ mask: new Uint8Array(3), width: 2, height: 2 }));
    fail(() => toJson(null as never));
    fail(() => shareOfView({} as never));
    fail(() => lesionMask(ring(), two().lesions[1]!));
    fail(() => lesionMask(ring(), {} as never));
  });
});

describe('one lesion`s pixels', () => {
  test('of any mask: as many as its area, all in its box, and together the mask', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('#', '.'), { minLength: 81, maxLength: 81 }), cells => {
        const result = drawn(...Array.from({ length: 9 }, (_, y) => cells.slice(9 * y, 9 * y + 9).join('')));
        const sum = new Uint8Array(81);
        for (const lesion of result.lesions) {
          const own = lesionMask(result, lesion);
          expect(own.reduce((a, b) => a + b, 0)).toBe(lesion.area);
          own.forEach((value, at) => {
            sum[at]! += value;
            const [x, y, w, h] = lesion.box;
            const [px, py] = [at % 9, Math.floor(at / 9)];
            if (value) expect(px >= x && px < x + w && py >= y && py < y + h).toBe(true);
          });
        }
        expect(sum).toEqual(result.mask);
      }),
      { numRuns: 60 },
    );
  });
});

describe('PNG', () => {
  test('a mask is 0 and 255 in one channel, of the source`s size', async () => {
    for (const [width, height] of [
      [1, 1],
      [7, 3],
      [300, 211],
    ] as const) {
      const mask = Uint8Array.from({ length: width * height }, (_, i) => Number((i * 7919) % 11 < 4));
      const png = await maskToPng({ mask, width, height });
      expect(png.type).toBe('image/png');
      const image = await decode(png);
      expect(await image.metadata()).toMatchObject({ format: 'png', width, height, channels: 1, depth: 'uchar' });
      const pixels = await image.toColourspace('b-w').raw().toBuffer();
      expect(Uint8Array.from(pixels)).toEqual(mask.map(value => value * 255));
    }
  });

  test('of one lesion has its pixels alone', async () => {
    const result = two();
    const image = await decode(await maskToPng(result, result.lesions[1]));
    const pixels = await image.toColourspace('b-w').raw().toBuffer();
    expect(Uint8Array.from(pixels)).toEqual(lesionMask(result, result.lesions[1]!).map(value => value * 255));
  });

  test('probabilities keep 16 bits at the network`s size', async () => {
    const size = 5;
    const probability = Float32Array.from({ length: 25 }, (_, i) => i / 24);
    const image = await decode(await probabilityToPng({ probability, size }));
    expect(await image.metadata()).toMatchObject({ width: 5, height: 5, channels: 1, depth: 'ushort' });
    const bytes = await image.toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer();
    const values = new Uint16Array(bytes.buffer, bytes.byteOffset, 25);
    expect([...values]).toEqual([...probability].map(value => Math.round(value * 65535)));
    await expect(probabilityToPng({ probability, size: 4 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

describe('JSON', () => {
  const made: Made = {
    ...({ text: 'one ring', threshold: 0.5, minArea: 0, device: 'wasm', dtype: 'fp16' } as const),
    model: { name: 'nano', hash: 'abc' },
  };

  test('is plain, and says what made the result', () => {
    const result: Segmentation = { ...ring(), made };
    const json = toJson(result);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toMatchObject({ ...made, width: 6, height: 6, share: 12 / 36, omitted: { count: 0, area: 0 }, ms });
    expect(json.notice).toMatch(/^Research use/);
    expect(json.lesions).toHaveLength(1);
    expect(json.lesions[0]).toMatchObject({ box: [1, 1, 4, 4], area: 12, share: 12 / 36 });
    expect(json.lesions[0]!.holes).toHaveLength(1);
    expect(json.lesions[0]!.contour).toEqual([...result.lesions[0]!.contour]);
    expect(fromRle(json.rle)).toEqual(result.mask);
  });

  test('takes what the result does not know, or what corrects it', () => {
    const { text, threshold } = toJson(ring(), { text: 'by hand', threshold: 0.4 });
    expect([text, threshold]).toEqual(['by hand', 0.4]);
    expect(toJson({ ...ring(), made }, { text: 'by hand' })).toMatchObject({ text: 'by hand', threshold: 0.5 });
    expect(toJson(ring())).not.toHaveProperty('text');
  });

  test('of a picture without a lesion is an empty list, a mask and the reason', () => {
    const flat = { ...flatSegmentation(4, { width: 3, height: 2 }), ms };
    expect(toJson(flat)).toMatchObject({ lesions: [], share: 0, rle: { size: [2, 3] } });
    expect(toJson(flat).warnings.map(({ code }) => code)).toEqual(['IMAGE_FLAT']);
  });
});

test('the share of the view is that of all lesions, or of one', () => {
  const result = two();
  expect(shareOfView(result)).toBe((4 + 8) / 36);
  expect(shareOfView(result, result.lesions[0])).toBe(8 / 36);
});
