// Masks as people store them: each is read as its only meaning, with a note where that takes more than black and white, or refused.

import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { encodeMask } from '../../node/images/image-files.js';
import { readMask } from '../../node/images/masks.js';
import {
  differences,
  disc,
  HEIGHT,
  image8,
  image16,
  levels,
  samplesOf,
  save,
  tiff32,
  UPRIGHT,
  type Value,
  WIDTH,
} from './mask-pictures.js';

describe('a mask is read as its only meaning', () => {
  const few = (white: number, full: number) => [
    `its values are 0 to ${white}, not to ${full}: ${white} is read as the lesion`,
  ];
  const IN_ALPHA = ['the mask is in the alpha channel: what is not transparent is read as the lesion'];
  const cases: [string, () => Promise<Uint8Array>, string[]][] = [
    ['0 and 255', () => image8(levels(0, 255)).png().toBuffer(), []],
    ['0 and 1', () => image8(levels(0, 1)).png().toBuffer(), few(1, 255)],
    ['0 and 2', () => image8(levels(0, 2)).png().toBuffer(), few(2, 255)],
    ['0 and 128', () => image8(levels(0, 128)).png().toBuffer(), few(128, 255)],
    ['1 and 255', () => image8(levels(1, 255)).png().toBuffer(), []],
    ['16 and 235, as video has them', () => image8(levels(16, 235)).png().toBuffer(), []],
    [
      'RGB of 0 and 1',
      () =>
        image8(marked => (marked ? [1, 1, 1] : [0, 0, 0]), 3)
          .png()
          .toBuffer(),
      few(1, 255),
    ],
    ['16 bits of 0 and 65535', () => image16(levels(0, 65535)).png().toBuffer(), []],
    ['16 bits of 0 and 1', () => image16(levels(0, 1)).png().toBuffer(), few(1, 65535)],
    ['16 bits of 0 and 255', () => image16(levels(0, 255)).png().toBuffer(), few(255, 65535)],
    [
      '16 bits of 0 and 4095, RGB',
      () =>
        image16(m => (m ? [4095, 4095, 4095] : [0, 0, 0]), 3)
          .png()
          .toBuffer(),
      few(4095, 65535),
    ],
    ['16 bits in a TIFF', () => image16(levels(0, 65535)).tiff({ compression: 'lzw' }).toBuffer(), []],
    [
      'bilevel PNG',
      () =>
        image8(levels(0, 255))
          .png({ bitdepth: 1 } as object)
          .toBuffer(),
      [],
    ],
    ['bilevel TIFF', () => image8(levels(0, 255)).tiff({ bitdepth: 1, compression: 'none' }).toBuffer(), []],
    ['floats of 0 and 1', async () => tiff32(Float32Array.from(samplesOf(levels(0, 1)))), []],
    ['floats of 0 and 255', async () => tiff32(Float32Array.from(samplesOf(levels(0, 255)))), []],
    ['32 bits of 0 and 7', async () => tiff32(Uint32Array.from(samplesOf(levels(0, 7)))), few(7, 255)],
    [
      'palette of black and dark red, as VOC has it',
      () =>
        image8(m => (m ? [128, 0, 0] : [0, 0, 0]), 3)
          .png({ palette: true, colours: 2, dither: 0 })
          .toBuffer(),
      few(128, 255),
    ],
    [
      'red on black',
      () =>
        image8(m => (m ? [255, 0, 0] : [0, 0, 0]), 3)
          .png()
          .toBuffer(),
      [],
    ],
    [
      'RGBA, opaque',
      () =>
        image8(m => (m ? [255, 255, 255, 255] : [0, 0, 0, 255]), 4)
          .png()
          .toBuffer(),
      [],
    ],
    [
      'RGBA, transparent all over',
      () =>
        image8(m => (m ? [255, 255, 255, 0] : [0, 0, 0, 0]), 4)
          .png()
          .toBuffer(),
      [],
    ],
    [
      'alpha, black',
      () =>
        image8(m => [0, 0, 0, m ? 255 : 0], 4)
          .png()
          .toBuffer(),
      IN_ALPHA,
    ],
    [
      'alpha, white',
      () =>
        image8(m => [255, 255, 255, m ? 255 : 0], 4)
          .png()
          .toBuffer(),
      IN_ALPHA,
    ],
    [
      'alpha of grey',
      () =>
        image8(m => [0, m ? 255 : 0], 2)
          .png()
          .toBuffer(),
      IN_ALPHA,
    ],
    [
      'alpha of 16 bits',
      () =>
        image16(m => [9, 9, 9, m ? 65535 : 0], 4)
          .png()
          .toBuffer(),
      IN_ALPHA,
    ],
    [
      'red on transparent white',
      () =>
        image8(m => (m ? [255, 0, 0, 255] : [255, 255, 255, 0]), 4)
          .png()
          .toBuffer(),
      IN_ALPHA,
    ],
    [
      'white on black on transparent white',
      () =>
        image8((m, x) => (m ? [255, 255, 255, 255] : x < 8 ? [255, 255, 255, 0] : [0, 0, 0, 255]), 4)
          .png()
          .toBuffer(),
      ['transparent pixels are read as background'],
    ],
    [
      'grey with an opaque alpha',
      () =>
        image8(m => [m ? 255 : 0, 255], 2)
          .png()
          .toBuffer(),
      [],
    ],
    [
      'a colour profile',
      () =>
        image8(m => (m ? [255, 255, 255] : [0, 0, 0]), 3)
          .withIccProfile('p3')
          .png()
          .toBuffer(),
      [],
    ],
    [
      'two pure colours, as BKAI-IGH NeoPolyp has them',
      () =>
        image8((m, x) => (m ? (x < 20 ? [255, 0, 0] : [0, 255, 0]) : [0, 0, 0]), 3)
          .png()
          .toBuffer(),
      ['it has several colours, and all of them are read as lesions'],
    ],
    ['its own kind of file', () => encodeMask(disc, WIDTH, HEIGHT).then(Buffer.from), []],
  ];
  test.each(cases)('%s', async (_, make, expected) => {
    const path = await save(await make());
    const { foreground, notes, empty } = await readMask(path, UPRIGHT);
    expect(differences(foreground)).toBe(0);
    expect(empty).toBe(false);
    expect(notes).toEqual(expected.map(text => ({ file: path, text })));
  });

  test.each([100, 90, 75, 50, 20])('JPEG of quality %i, and what it leaves in a PNG', async quality => {
    const big = sharp(Buffer.from(disc.map(v => v * 255)), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } });
    const clean = await big
      .resize(WIDTH * 8, HEIGHT * 8, { kernel: 'nearest' })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const jpeg = await sharp(clean).jpeg({ quality }).toBuffer();
    const large = { width: WIDTH * 8, height: HEIGHT * 8, orientation: 1 };
    for (const bytes of [jpeg, await sharp(jpeg).png().toBuffer()]) {
      const { foreground, notes } = await readMask(await save(bytes), large);
      expect(notes).toEqual([]);
      const wrong = foreground.filter((v, i) => {
        const [x, y] = [i % large.width, Math.floor(i / large.width)];
        return v !== disc[(y >> 3) * WIDTH + (x >> 3)];
      }).length;
      expect(wrong / foreground.length).toBeLessThan(0.005);
    }
  });

  test('smoothed edges: the nearer of black and white', async () => {
    const soft: Value = (_, x, y) => Math.max(0, Math.min(255, Math.round(255 * (8.4 - Math.hypot(x - 22, y - 14)))));
    const { foreground, notes } = await readMask(await save(await image8(soft).png().toBuffer()), UPRIGHT);
    expect(notes).toEqual([]);
    expect([...foreground]).toEqual(samplesOf(soft).map(value => (value >= 128 ? 1 : 0)));
  });

  test('JPEG of a small picture, whose edges are a large part of it', async () => {
    const bytes = await image8(levels(0, 255)).jpeg({ quality: 75 }).toBuffer();
    const { foreground } = await readMask(await save(bytes, 'jpg'), UPRIGHT);
    expect(differences(foreground)).toBeLessThan(10);
  });

  test('black all over is empty, white all over is a lesion that looks inverted', async () => {
    const empty = await readMask(
      await save(
        await image8(() => 0)
          .png()
          .toBuffer(),
      ),
      UPRIGHT,
    );
    expect(empty).toMatchObject({ empty: true, notes: [] });
    const full = await readMask(
      await save(
        await image8(() => 255)
          .png()
          .toBuffer(),
      ),
      UPRIGHT,
    );
    expect(full.foreground.every(v => v === 1)).toBe(true);
    expect(full.notes[0]!.text).toMatch(/look whether it is inverted/);
  });

  test('black on white is read as it stands, and told', async () => {
    const { foreground, notes } = await readMask(await save(await image8(levels(255, 0)).png().toBuffer()), UPRIGHT);
    expect(differences(foreground)).toBe(disc.length);
    expect(notes.map(({ text }) => text)).toEqual([expect.stringMatching(/covers the border .* inverted/)]);
  });
});
