// Mask files that have no only meaning, or do not fit their image: refused. And what a whole set of masks is told of.

import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { readImageShape } from '../../node/images/image-files.js';
import { maskTarget, readMask, surveyMasks } from '../../node/images/masks.js';
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

describe('a mask is refused', () => {
  const cases: [string, () => Promise<Uint8Array>, RegExp][] = [
    [
      'of labels 0, 1, 2',
      () =>
        image8((m, x) => (m ? (x < 22 ? 1 : 2) : 0))
          .png()
          .toBuffer(),
      /got the values 0, 1, 2: labels/,
    ],
    ['of labels 1 and 2', () => image8(levels(1, 2)).png().toBuffer(), /got the values 1, 2: labels/],
    [
      'of labels 0, 1, 2 in 16 bits',
      () =>
        image16((m, x) => (m ? (x < 22 ? 1 : 2) : 0))
          .png()
          .toBuffer(),
      /labels/,
    ],
    [
      'of labels 0, 127, 255',
      () =>
        image8((m, x) => (m ? (x < 22 ? 127 : 255) : 0))
          .png()
          .toBuffer(),
      /values 0, 127, 255: labels/,
    ],
    [
      'of a label that is small beside white',
      () =>
        image8((m, x, y) => (m ? 255 : x < 4 && y < 4 ? 100 : 0))
          .png()
          .toBuffer(),
      /values 0, 100, 255: labels/,
    ],
    [
      'of labels 0, 1 and 255 for what is left open',
      () =>
        image8((m, x) => (m ? (x < 24 ? 1 : 255) : 0))
          .png()
          .toBuffer(),
      /labels/,
    ],
    [
      'of labels in a JPEG',
      () =>
        image8((m, x) => (m ? (x < 22 ? 127 : 255) : 0))
          .resize(WIDTH * 4, HEIGHT * 4, { kernel: 'nearest' })
          .jpeg({ quality: 90 })
          .toBuffer(),
      /% of it neither black nor white, nor an edge/,
    ],
    [
      'of a dark label in a JPEG',
      () =>
        image8((m, x) => (m ? (x < 22 ? 20 : 255) : 0))
          .resize(WIDTH * 4, HEIGHT * 4, { kernel: 'nearest' })
          .jpeg({ quality: 90 })
          .toBuffer(),
      /even grey areas: labels/,
    ],
    [
      'of one value, which is no white',
      () =>
        image8(() => 1)
          .png()
          .toBuffer(),
      /the value 1 everywhere/,
    ],
    ['without black', () => image8(levels(100, 255)).png().toBuffer(), /no black: its darkest value is 100/],
    [
      'of red on white',
      () =>
        image8(m => (m ? [255, 0, 0] : [255, 255, 255]), 3)
          .png()
          .toBuffer(),
      /no black/,
    ],
    [
      'of red on blue',
      () =>
        image8(m => (m ? [255, 0, 0] : [0, 0, 255]), 3)
          .png()
          .toBuffer(),
      /no black/,
    ],
    [
      'that is a soft map',
      () =>
        image8((_, x) => 6 * x)
          .png()
          .toBuffer(),
      /% of it neither black nor white/,
    ],
    [
      'that is a soft map of floats',
      async () => tiff32(Float32Array.from(samplesOf((_, x) => x / 39))),
      /neither black nor white/,
    ],
    [
      'with a value that is no number',
      async () => tiff32(Float32Array.from(samplesOf(m => (m ? Number.NaN : 0)))),
      /the value NaN/,
    ],
    [
      'of dark colours for classes',
      () =>
        image8((m, x) => (m ? (x < 22 ? [128, 0, 0] : [0, 128, 0]) : [0, 0, 0]), 3)
          .png()
          .toBuffer(),
      /several colours: labels/,
    ],
  ];
  test.each(cases)('%s', async (_, make, text) => {
    const path = await save(await make());
    const error = await readMask(path, await readImageShape(path)).catch(e => e);
    expect(error).toMatchObject({ name: 'TmcaError', code: 'DATASET_INVALID' });
    expect(error.message).toMatch(text);
    expect(error.message).toContain(path);
  });

  test('of another size than its image', async () => {
    const path = await save(await image8(levels(0, 255)).png().toBuffer());
    await expect(readMask(path, { ...UPRIGHT, width: 41 })).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(/got an image of 41 x 30 and a mask of 40 x 30 .*another picture/),
    });
  });
});

describe('EXIF orientation of image and mask', () => {
  const picture = (orientation: number, size: [number, number] = [WIDTH, HEIGHT]) =>
    sharp({ create: { width: size[0], height: size[1], channels: 3, background: '#000' } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
  const read = async (image: Buffer, mask: Buffer) =>
    readMask(await save(mask), await readImageShape(await save(image)));

  test('the same of both: turned together', async () => {
    const mask = await image8(levels(0, 255)).withMetadata({ orientation: 6 }).png().toBuffer();
    const { foreground, width, height } = await read(await picture(6), mask);
    expect([width, height]).toEqual([HEIGHT, WIDTH]);
    // stored pixel (x, y) is seen at (height - 1 - y, x)
    expect(disc.every((v, i) => foreground[(i % WIDTH) * HEIGHT + HEIGHT - 1 - Math.floor(i / WIDTH)] === v)).toBe(
      true,
    );
  });
  test('an image turned and a mask drawn on what is seen: read', async () => {
    const { foreground } = await read(await picture(6, [HEIGHT, WIDTH]), await image8(levels(0, 255)).png().toBuffer());
    expect(differences(foreground)).toBe(0);
  });
  test('an image turned and a mask of the stored pixels: refused', async () => {
    const mask = await image8(levels(0, 255)).png().toBuffer();
    await expect(read(await picture(6), mask)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(
        /image of 30 x 40 and a mask of 40 x 30 .*EXIF turns one of them \(image 6, mask 1\)/,
      ),
    });
  });
  test.each([2, 3, 4])('%i of the image alone does not show in the sizes: refused', async orientation => {
    const mask = await image8(levels(0, 255)).png().toBuffer();
    await expect(read(await picture(orientation), mask)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(/got EXIF orientation \d of the image and 1 of/),
    });
  });
});

test('several masks of a record: their union', async () => {
  const halves = [(x: number) => x < 22, (x: number) => x >= 22].map(side =>
    image8((m, x) => (m && side(x) ? 255 : 0))
      .png()
      .toBuffer(),
  );
  const paths = await Promise.all(halves.map(async bytes => save(await bytes)));
  expect(differences((await readMask(paths, UPRIGHT)).foreground)).toBe(0);
});

test('a target is the nearest pixel at floor((i + 0.5) * scale)', () => {
  const mask = { foreground: Uint8Array.from([1, 0, 0, 1, 0]), width: 5, height: 1, empty: false, notes: [] };
  // i = 0, 1, 2 read columns 0, 2, 4; i = 0, 1 of two read 1, 3.
  expect([...maskTarget(mask, 3)].slice(0, 3)).toEqual([1, 0, 0]);
  expect([...maskTarget(mask, 2)].slice(0, 2)).toEqual([0, 1]);
});

describe('surveyMasks', () => {
  const record = async (id: string, value: Value) => ({
    id,
    image: await save(
      await image8(() => 90)
        .png()
        .toBuffer(),
    ),
    mask: await save(await image8(value).png().toBuffer()),
  });

  test('says each thing once, with a count and an example, and counts empty masks', async () => {
    const records = [await record('a', levels(0, 1)), await record('b', levels(0, 1)), await record('c', () => 0)];
    expect(await surveyMasks(records)).toEqual({
      empty: 1,
      notes: [
        `2 masks, such as ${records[0]!.mask}: its values are 0 to 1, not to 255: 1 is read as the lesion`,
        '1 of 3 masks are empty: they mark no lesion',
      ],
    });
    expect((await surveyMasks([records[2]!])).notes).toEqual([
      expect.stringMatching(/^none of 1 masks marks a lesion/),
    ]);
  });

  test('names five records at fault and counts the others', async () => {
    const records = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(id => record(id, levels(1, 2))));
    const error = await surveyMasks([await record('good', levels(0, 255)), ...records]).catch(e => e);
    expect(error.code).toBe('DATASET_INVALID');
    expect(error.message).toMatch(/got 7 of 8 at fault: "a" \(readMask: .*"e" \(.*\) and 2 more; mend or remove them$/);
    expect(error.message).not.toContain('"f"');
  });
});
