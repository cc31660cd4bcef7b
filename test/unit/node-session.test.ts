// What Node's sessions take, refuse and copy, on a real model in wasm.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { openSession } from '../../node/index.js';
import { pack } from '../../runtime/browser/worker/source.js';
import { takeOptions, takePixels } from '../../runtime/given.js';
import type { Pixels, SegmentOptions } from '../../runtime/types.js';

const session = await openSession('models/nano', { device: 'wasm' });
const report = await session.encodeReport('one medium pink round polyp, located in right of the image');
afterAll(() => session.dispose());

const [width, height, channels] = [96, 80, 3] as const;
const draw = (background = [123, 62, 50]) =>
  Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (Math.hypot(x - 58, y - 40) < 20 ? [220, 110, 100] : background)[i % 3]!;
  });
const picture: Pixels = { data: draw(), width, height, channels };
const alone = await session.segment(picture, report);

describe('a picture is that of the moment of the call', () => {
  const buffers = {
    'a Uint8Array': () => draw(),
    'a Uint8ClampedArray': () => new Uint8ClampedArray(draw()),
    'a Buffer, whose slice is no copy': () => Buffer.from(draw()),
    'a part of a larger buffer': () => new Uint8Array([...draw(), ...draw()].slice()).subarray(0, draw().length),
    'shared memory': () => {
      const data = new Uint8Array(new SharedArrayBuffer(draw().length));
      data.set(draw());
      return data;
    },
  };

  test.each(Object.entries(buffers))('%s used again for the next frame', async (_, make) => {
    const data = make();
    const frames = [session.segment({ data, width, height, channels }, report)];
    data.fill(0); // the next frame arrives in the same buffer, while the first waits
    frames.push(session.segment({ data, width, height, channels }, report));
    const [first, second] = await Promise.all(frames);
    expect(first!.probability).toEqual(alone.probability);
    expect(second!.warnings).toMatchObject([{ code: 'IMAGE_FLAT' }]);
  });

  test('bytes of a file, and sizes that change', async () => {
    const png = await sharp(draw(), { raw: { width, height, channels } }).png().toBuffer();
    const image = { data: draw(), width, height, channels } as { -readonly [K in keyof Pixels]: Pixels[K] };
    const frames = [session.segment(png, report), session.segment(image, report)];
    png.fill(0);
    image.width = 1;
    for (const { probability } of await Promise.all(frames)) expect(probability).toEqual(alone.probability);
  });
});

/** As a caller without types may give them. */
const wrongPixels: Record<string, unknown> = {
  'floats as data': { ...picture, data: Float32Array.from(draw()) },
  '16 bits as data': { ...picture, data: Uint16Array.from(draw()) },
  'signed bytes as data': { ...picture, data: Int8Array.from(draw()) },
  'an array as data': { ...picture, data: [...draw()] },
  'text as data': { ...picture, data: 'x'.repeat(draw().length) },
  'no data': { ...picture, data: undefined },
  'a buffer as data': { ...picture, data: draw().buffer },
  'too few bytes': { ...picture, data: draw().subarray(1) },
  'NaN as width': { ...picture, width: Number.NaN },
  'a half as width': { ...picture, width: 96.5 },
  'text as width': { ...picture, width: '96' },
  'no height': { ...picture, height: undefined },
  'nothing as height': { data: new Uint8Array(), width: 96, height: 0, channels: 3 },
  'infinite height': { ...picture, height: Number.POSITIVE_INFINITY },
  'two channels': { ...picture, data: new Uint8Array(width * height * 2), channels: 2 },
  'no channels': { ...picture, channels: undefined },
  'text as channels': { ...picture, channels: '3' },
};

describe('Node and the page refuse the same, in the same words', () => {
  test.each(Object.entries(wrongPixels))('%s', async (_, image) => {
    const node = await session.segment(image as Pixels, report).catch(error => error);
    expect(node).toMatchObject({
      name: 'TmcaError',
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/^segment: /),
    });
    expect(() => takePixels(image as Pixels)).toThrow(node.message);
    if (image && 'data' in (image as object) && 'channels' in (image as object))
      await expect(pack(image as Pixels)).rejects.toThrow(node.message);
  });

  const wrongOptions: Record<string, unknown> = {
    'no threshold': { threshold: null },
    'NaN as threshold': { threshold: Number.NaN },
    'text as threshold': { threshold: '0.5' },
    'percents as threshold': { threshold: 50 },
    'a negative minArea': { minArea: -0.1 },
    'pixels as minArea': { minArea: 40 },
    'an object as minArea': { minArea: { valueOf: () => 0.1 } },
    'a number as options': 0.5,
    'null as options': null,
  };

  test.each(Object.entries(wrongOptions))('%s', async (_, options) => {
    const error = await session.segment(picture, report, options as SegmentOptions).catch(thrown => thrown);
    expect(error).toMatchObject({ name: 'TmcaError', code: 'BAD_ARGUMENT' });
    expect(() => takeOptions(options as SegmentOptions)).toThrow(error.message);
  });

  test.each([
    [42, 'BAD_ARGUMENT'],
    [null, 'BAD_ARGUMENT'],
    [['polyp'], 'BAD_ARGUMENT'],
    ['', 'TEXT_EMPTY'],
    [' \n\t', 'TEXT_EMPTY'],
  ])('%j as a text', async (text, code) => {
    await expect(session.encodeReport(text as string)).rejects.toMatchObject({ name: 'TmcaError', code });
  });

  test.each([[{ device: 'gpu' }], [{ dtype: 'fp8' }], [{ integrity: 'strict' }], [{ device: null }]])(
    '%j at the opening',
    async options => {
      const [[name]] = Object.entries(options) as [[string, unknown]];
      await expect(openSession('models/nano', options as object)).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringMatching(`^openSession: ${name} must be auto, `.replace('auto, ', 'auto')),
      });
    },
  );

  test('and goes on', async () => {
    expect((await session.segment(picture, report)).probability).toEqual(alone.probability);
  });
});

describe('image files', () => {
  test('a path, its address and its bytes give one mask', async () => {
    const [sample] = JSON.parse(await readFile('samples/samples.json', 'utf8')) as { file: string }[];
    const path = resolve('samples', sample!.file);
    const bytes = new Uint8Array(await readFile(path));
    const given = [path, pathToFileURL(path), pathToFileURL(path).href, bytes, bytes.buffer, new Blob([bytes])];
    const results = await Promise.all(given.map(image => session.segment(image, report)));
    for (const { mask, width: w } of results) {
      expect(w).toBe(results[0]!.width);
      // `toEqual` takes minutes over long arrays.
      expect(Buffer.compare(mask, results[0]!.mask)).toBe(0);
    }
  });

  test('are turned as EXIF says, and notes of reading are warnings', async () => {
    const turned = await sharp(draw(), { raw: { width, height, channels } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    expect(await session.segment(turned, report)).toMatchObject({ width: height, height: width });
    const frames = await sharp(Buffer.concat([draw(), draw([0, 0, 0])]), {
      raw: { width, height: 2 * height, channels, pageHeight: height },
    })
      .gif()
      .toBuffer();
    const { warnings } = await session.segment(frames, report);
    expect(warnings).toMatchObject([{ code: 'IMAGE_NOTE', message: expect.stringMatching('only the first of 2') }]);
  });

  test.each([
    ['no/such.png', 'FILE_NOT_FOUND'],
    [new URL('https://example.org/a.png'), 'BAD_ARGUMENT'],
    ['https://example.org/a.png', 'BAD_ARGUMENT'],
    [new Uint8Array(), 'IMAGE_UNREADABLE'],
    [new Uint8Array(100), 'IMAGE_UNREADABLE'],
    [42, 'BAD_ARGUMENT'],
    [null, 'BAD_ARGUMENT'],
    [undefined, 'BAD_ARGUMENT'],
    [{}, 'BAD_ARGUMENT'],
    [() => picture, 'BAD_ARGUMENT'],
  ])('%j is refused', async (image, code) => {
    await expect(session.segment(image as string, report)).rejects.toMatchObject({ name: 'TmcaError', code });
  });

  test('an abort stops a frame that waits', async () => {
    const stop = new AbortController();
    const frames = Array.from({ length: 5 }, () =>
      session.segment(picture, report, { signal: stop.signal }).catch(error => error.code),
    );
    stop.abort();
    expect((await Promise.all(frames)).slice(1)).toEqual(Array(4).fill('ABORTED'));
  });
});

describe('a picture in which nothing can be seen', () => {
  const one = (value: (i: number) => number, count: 1 | 3 | 4 = 3): Pixels => ({
    ...{
      data: Uint8Array.from({ length: width * height * count }, (_, i) => value(i)),
      width,
      height,
      channels: count,
    },
  });
  let seed = 7;
  const noise = () => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return seed >>> 24;
  };
  const flat: Record<string, Pixels> = {
    black: one(() => 0),
    white: one(() => 255),
    grey: one(() => 128, 1),
    blue: one(i => (i % 3 === 2 ? 255 : 0)),
    'black with the noise of a camera': one(() => noise() % 3),
    'nothing but alpha': one(i => (i % 4 === 3 ? 0 : noise()), 4),
    'a single pixel': { data: Uint8Array.of(200, 10, 10), width: 1, height: 1, channels: 3 },
  };

  test.each(Object.entries(flat))('%s: no lesion, and why', async (_, image) => {
    for (const threshold of [0.5, 0]) {
      const result = await session.segment(image, report, { threshold });
      expect(result).toMatchObject({ lesions: [], omitted: { count: 0, area: 0 }, warnings: [{ code: 'IMAGE_FLAT' }] });
      expect(result.mask).toEqual(new Uint8Array(image.width * image.height));
      expect(result.probability.every(p => p === 0)).toBe(true);
    }
  });

  test('little contrast is contrast', async () => {
    const { warnings } = await session.segment(
      one(i => (Math.floor(i / 3) % width < 48 ? 100 : 110)),
      report,
    );
    expect(warnings).toEqual([]);
    expect(alone.warnings).toEqual([]);
  });
});

describe('what is too small to be a lesion', () => {
  test('is in no list and not in the mask, and is counted', async () => {
    const all = await session.segment(picture, report, { minArea: 0 });
    const none = await session.segment(picture, report, { minArea: 1 });
    expect(all.lesions.length).toBeGreaterThan(0);
    expect(all.omitted).toEqual({ count: 0, area: 0 });
    const area = all.lesions.reduce((sum, lesion) => sum + lesion.area, 0);
    expect(none).toMatchObject({ lesions: [], omitted: { count: all.lesions.length, area } });
    expect(none.mask).toEqual(new Uint8Array(width * height));
    expect(none.probability).toEqual(all.probability);
    for (const { mask, lesions } of [all, none, alone])
      expect(mask.reduce((sum, pixel) => sum + pixel, 0)).toBe(lesions.reduce((sum, lesion) => sum + lesion.area, 0));
    for (const { area: pixels } of alone.lesions) expect(pixels / (width * height)).toBeGreaterThanOrEqual(0.0005);
  });
});
