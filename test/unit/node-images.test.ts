// Files to pixels: every kind of file that a user may hand over, made here by sharp, with its pixels or its error.

import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeImage, encodeMask } from '../../node/images/image-files.js';
import {
  COLOURS,
  frames,
  HEIGHT,
  RED_GREEN_BLUE,
  raw,
  raw16,
  rgb,
  save,
  shape,
  values,
  WIDTH,
} from './image-pictures.js';

describe('decodeImage gives the pixels of', () => {
  const exact: [string, () => Promise<Uint8Array>, number[], number[]][] = [
    ['RGB PNG', () => rgb().png().toBuffer(), [3, 4, 3], COLOURS.flat()],
    ['interlaced PNG', () => rgb().png({ progressive: true }).toBuffer(), [3, 4, 3], COLOURS.flat()],
    ['palette PNG', () => rgb().png({ palette: true, colours: 256, dither: 0 }).toBuffer(), [3, 4, 3], COLOURS.flat()],
    ['lossless WebP', () => rgb().webp({ lossless: true }).toBuffer(), [3, 4, 3], COLOURS.flat()],
    ['TIFF', () => rgb().tiff({ compression: 'lzw' }).toBuffer(), [3, 4, 3], COLOURS.flat()],
    [
      'grey PNG',
      () => raw([0, 7, 200, 255], 4, 1, 1).toColourspace('b-w').png().toBuffer(),
      [1, 4, 1],
      [0, 7, 200, 255],
    ],
    [
      '1-bit PNG',
      () =>
        raw([0, 255, 255, 0], 4, 1, 1)
          .toColourspace('b-w')
          .png({ bitdepth: 1 } as object)
          .toBuffer(),
      [1, 4, 1],
      [0, 255, 255, 0],
    ],
    ['1 x 1', () => raw([1, 2, 3], 1, 1, 3).png().toBuffer(), [1, 1, 3], [1, 2, 3]],
    [
      'RGBA over black',
      () => raw([200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0], 3, 1, 4).png().toBuffer(),
      [1, 3, 3],
      [200, 100, 50, 100, 50, 25, 0, 0, 0],
    ],
    [
      'grey with alpha over black',
      () => raw([200, 255, 200, 128, 200, 0], 3, 1, 2).toColourspace('b-w').png().toBuffer(),
      [1, 3, 1],
      [200, 100, 0],
    ],
    [
      '16-bit grey, high bytes',
      () => raw16([0, 255, 256, 32768, 65535], 5, 1).toColourspace('grey16').png().toBuffer(),
      [1, 5, 1],
      [0, 0, 1, 128, 255],
    ],
    [
      '16-bit RGB, high bytes',
      () => raw16([0, 256, 511, 4660, 32768, 65535], 2, 3).toColourspace('rgb16').png().toBuffer(),
      [1, 2, 3],
      [0, 1, 1, 18, 128, 255],
    ],
    [
      '16-bit RGBA over black',
      () => raw16([51400, 25700, 12850, 65535, 51400, 25700, 12850, 0], 2, 4).toColourspace('rgb16').png().toBuffer(),
      [1, 2, 3],
      [200, 100, 50, 0, 0, 0],
    ],
  ];
  test.each(exact)('%s', async (_, make, expectedShape, expected) => {
    const { pixels, notes } = await decodeImage(await save(await make()));
    expect(shape(pixels)).toEqual(expectedShape);
    // Grey+alpha and 16-bit files are written by sharp, whose own rounding may move the last digit.
    const off = values(pixels).map((value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...off)).toBeLessThanOrEqual(1);
    expect(notes).toEqual([]);
  });

  const near: [string, () => Promise<Uint8Array>, number[]][] = [
    [
      'JPEG',
      () =>
        sharp({ create: { width: 16, height: 16, channels: 3, background: '#c86432' } })
          .jpeg()
          .toBuffer(),
      [200, 100, 50],
    ],
    [
      'progressive JPEG',
      () =>
        sharp({ create: { width: 16, height: 16, channels: 3, background: '#c86432' } })
          .jpeg({ progressive: true })
          .toBuffer(),
      [200, 100, 50],
    ],
    [
      'CMYK JPEG',
      () =>
        sharp({ create: { width: 16, height: 16, channels: 3, background: '#b4a096' } })
          .toColourspace('cmyk')
          .jpeg()
          .toBuffer(),
      [180, 160, 150],
    ],
    [
      'AVIF',
      () =>
        sharp({ create: { width: 16, height: 16, channels: 3, background: '#c86432' } })
          .avif({ quality: 90 })
          .toBuffer(),
      [200, 100, 50],
    ],
  ];
  test.each(near)('%s, near enough', async (_, make, colour) => {
    const { pixels } = await decodeImage(await save(await make()));
    expect(shape(pixels)).toEqual([16, 16, 3]);
    const off = values(pixels).map((value, i) => Math.abs(value - colour[i % 3]!));
    expect(Math.max(...off)).toBeLessThan(8);
  });

  test('grey JPEG in one channel', async () => {
    const bytes = await raw(Array(256).fill(90), 16, 16, 1).toColourspace('b-w').jpeg().toBuffer();
    const { pixels } = await decodeImage(await save(bytes));
    expect(shape(pixels)).toEqual([16, 16, 1]);
    expect(new Set(pixels.data)).toEqual(new Set([90]));
  });

  test.each([
    ['GIF', () => frames(RED_GREEN_BLUE).gif().toBuffer()],
    ['WebP', () => frames(RED_GREEN_BLUE).webp({ lossless: true }).toBuffer()],
    ['TIFF', () => frames(RED_GREEN_BLUE).tiff({ compression: 'lzw' }).toBuffer()],
  ])('the first frame of an animated %s, with a note', async (_, make) => {
    const path = await save(await make());
    const { pixels, notes } = await decodeImage(path);
    expect(shape(pixels)).toEqual([4, 5, 3]);
    expect(values(pixels).slice(0, 3)).toEqual([255, 0, 0]);
    expect(notes).toEqual([{ file: path, text: 'only the first of 3 frames or pages is used' }]);
  });

  test('a stripe of 1 x 10,000 and one of 10,000 x 1', async () => {
    for (const [width, height] of [
      [1, 10_000],
      [10_000, 1],
    ] as const) {
      const bytes = await sharp({ create: { width, height, channels: 3, background: '#102030' } })
        .png()
        .toBuffer();
      expect(shape((await decodeImage(await save(bytes))).pixels)).toEqual([height, width, 3]);
    }
  });

  test('100 megapixels', async () => {
    const bytes = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#808080' } })
      .toColourspace('b-w')
      .png({ compressionLevel: 1 })
      .toBuffer();
    const { pixels } = await decodeImage(await save(bytes));
    expect(shape(pixels)).toEqual([10_000, 10_000, 1]);
    expect(pixels.data[99_999_999]).toBe(128);
  });

  test('a file whose colour profile is not sRGB: as stored', async () => {
    const bytes = await rgb().withIccProfile('p3', { attach: true }).png().toBuffer();
    const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
    expect(values((await decodeImage(await save(bytes))).pixels)).toEqual([...stored]);
  });
});

describe('16 bits become 8 by the bits that a file uses:', () => {
  const ramp = (most: number) => Array.from({ length: 1024 }, (_, i) => Math.round((i * most) / 1023));
  const grey16 = (values: number[]) => raw16(values, values.length, 1).toColourspace('grey16');

  test.each([
    [8, 255],
    [10, 1023],
    [12, 4095],
    [12, 3000],
    [14, 16383],
  ])('%i bits, up to %i', async (bits, most) => {
    for (const bytes of [
      await grey16(ramp(most)).png().toBuffer(),
      await grey16(ramp(most)).tiff({ compression: 'lzw' }).toBuffer(),
    ]) {
      const path = await save(bytes);
      const { pixels, notes } = await decodeImage(path);
      expect(values(pixels)).toEqual(ramp(most).map(value => value >> (bits - 8)));
      expect(notes).toEqual([
        { file: path, text: `it uses ${bits} of its 16 bits, and is read as a picture of ${bits} bits` },
      ]);
    }
  });

  test('12 bits of RGB', async () => {
    const colours = ramp(4095).flatMap(value => [value, 4095 - value, value >> 1]);
    const bytes = await raw16(colours, 1024, 3).toColourspace('rgb16').png().toBuffer();
    expect(values((await decodeImage(await save(bytes))).pixels)).toEqual(colours.map(value => value >> 4));
  });

  test.each([20000, 65535])('up to %i: all 16, without a word', async most => {
    const { pixels, notes } = await decodeImage(await save(await grey16(ramp(most)).png().toBuffer()));
    expect(values(pixels)).toEqual(ramp(most).map(value => value >> 8));
    expect(notes).toEqual([]);
  });

  test('black is black, without a word', async () => {
    const { pixels, notes } = await decodeImage(await save(await grey16([0, 0, 0]).png().toBuffer()));
    expect([values(pixels), notes]).toEqual([[0, 0, 0], []]);
  });

  test('where a small range in the middle leaves few grey levels, that is said', async () => {
    const { notes } = await decodeImage(
      await save(
        await grey16(ramp(3000).map(v => v + 31768))
          .png()
          .toBuffer(),
      ),
    );
    expect(notes.map(({ text }) => text)).toEqual([
      'its values lie between 31768 and 34768, of which eight bits leave 12 grey levels; convert it with a window of that range',
    ]);
  });
});

describe('EXIF orientation', () => {
  // What a viewer shows at (row, column), as (row, column) of the stored 3 x 4 pixels; TIFF 6.0, tag 274.
  const last = { row: HEIGHT - 1, column: WIDTH - 1 };
  const stored: Record<number, (row: number, column: number) => [number, number]> = {
    1: (r, c) => [r, c],
    2: (r, c) => [r, last.column - c],
    3: (r, c) => [last.row - r, last.column - c],
    4: (r, c) => [last.row - r, c],
    5: (r, c) => [c, r],
    6: (r, c) => [last.row - c, r],
    7: (r, c) => [last.row - c, last.column - r],
    8: (r, c) => [c, last.column - r],
  };
  test.each(Object.keys(stored).map(Number))('%i is applied', async orientation => {
    const bytes = await rgb().withMetadata({ orientation }).png().toBuffer();
    const { pixels } = await decodeImage(await save(bytes));
    const turned = orientation > 4;
    expect(shape(pixels)).toEqual(turned ? [WIDTH, HEIGHT, 3] : [HEIGHT, WIDTH, 3]);
    const expected: number[] = [];
    for (let r = 0; r < pixels.height; r++) {
      for (let c = 0; c < pixels.width; c++) {
        const [row, column] = stored[orientation]!(r, c);
        expected.push(...COLOURS[row * WIDTH + column]!);
      }
    }
    expect(values(pixels)).toEqual(expected);
  });
});

describe('encodeMask', () => {
  test('writes one channel of 0 and 255', async () => {
    const mask = Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 1, 1]);
    const png = await encodeMask(mask, 3, 3);
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', space: 'b-w', channels: 1, depth: 'uchar' });
    expect([...(await sharp(png).toColourspace('b-w').raw().toBuffer())]).toEqual([...mask].map(v => v * 255));
  });
  test('encodeMask wants all of the mask', async () => {
    await expect(encodeMask(new Uint8Array(5), 2, 3)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: /2 x 3 bytes, got 5/,
    });
  });
});
