// Masks as people store them: each is read as its only meaning, with a note where that takes more than black and white, or refused.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeMask, readImageShape } from '../../node/images/image-files.js';
import { maskTarget, readMask, surveyMasks } from '../../node/images/masks.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-masks-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function save(bytes: Uint8Array, extension = 'png'): Promise<string> {
  const path = join(folder, `${files++}.${extension}`);
  await writeFile(path, bytes);
  return path;
}

/** A disc in 40 x 30, away from the border. */
const [WIDTH, HEIGHT] = [40, 30];
const inDisc = (x: number, y: number, radius = 8) => (x - 22) ** 2 + (y - 14) ** 2 < radius ** 2;
const disc = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (inDisc(i % WIDTH, Math.floor(i / WIDTH)) ? 1 : 0));
const shape = { width: WIDTH, height: HEIGHT, orientation: 1 };
const UPRIGHT = { ...shape };

type Value = (marked: boolean, x: number, y: number) => number | readonly number[];
/** Pixels by what they are in the disc; one number a channel. */
const samplesOf = (value: Value): number[] =>
  [...disc].flatMap((marked, i) => value(marked === 1, i % WIDTH, Math.floor(i / WIDTH)));
const image8 = (value: Value, channels: 1 | 2 | 3 | 4 = 1): Sharp => {
  const raw = sharp(Buffer.from(samplesOf(value)), { raw: { width: WIDTH, height: HEIGHT, channels } });
  return channels < 3 ? raw.toColourspace('b-w') : raw;
};
const image16 = (value: Value, channels: 1 | 2 | 3 | 4 = 1): Sharp => {
  const raw = sharp(Uint16Array.from(samplesOf(value)), { raw: { width: WIDTH, height: HEIGHT, channels } });
  return raw.toColourspace(channels < 3 ? 'grey16' : 'rgb16');
};
/** A TIFF of one channel: floats (format 3) or whole numbers (1) of 32 bits. */
function tiff32(values: Float32Array | Uint32Array): Buffer {
  const format = values instanceof Float32Array ? 3 : 1;
  const entries: [tag: number, type: 3 | 4, value: number][] = [
    ...([
      [256, 3, WIDTH],
      [257, 3, HEIGHT],
      [258, 3, 32],
      [259, 3, 1],
      [262, 3, 1],
    ] as [number, 3, number][]),
    ...([
      [273, 4, 8],
      [277, 3, 1],
      [278, 3, HEIGHT],
      [279, 4, values.byteLength],
    ] as [number, 3 | 4, number][]),
    [339, 3, format],
  ];
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [i, [tag, type, value]] of entries.entries()) {
    directory.writeUInt16LE(tag, 2 + 12 * i);
    directory.writeUInt16LE(type, 4 + 12 * i);
    directory.writeUInt32LE(1, 6 + 12 * i);
    if (type === 3) directory.writeUInt16LE(value, 10 + 12 * i);
    else directory.writeUInt32LE(value, 10 + 12 * i);
  }
  const head = Buffer.from('II*\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(8 + values.byteLength, 4);
  return Buffer.concat([head, Buffer.from(values.buffer), directory]);
}
const levels =
  (dark: number, bright: number): Value =>
  marked =>
    marked ? bright : dark;
/** Off by one pixel at the edge where smoothing or JPEG moved it. */
const differences = (mask: Uint8Array) => mask.filter((value, i) => value !== disc[i]).length;

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
