// Every kind of picture arrives in the session as the same pixels: no colour management, EXIF applied, alpha dropped over black.

import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';

let site: Site;
let page: Page;

beforeAll(async () => {
  site = await openSite({ configFile: false, root: fileURLToPath(new URL('../..', import.meta.url)) });
  ({ page } = await openPage(site, '/test/browser/pages/lab.html'));
  await page.waitForFunction(() => 'lab' in window);
});
afterAll(() => site?.close());

/** 3x2 pixels: red, green, blue / grey, white, black. */
const RGB = [255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 0, 0, 0];
const raw = () => sharp(Buffer.from(RGB), { raw: { width: 3, height: 2, channels: 3 } });
const base64 = async (image: Sharp) => (await image.toBuffer()).toString('base64');

/** What the session sees of an encoded file. */
const seenOfFile = async (image: Sharp, type: string, count: number) =>
  page.evaluate(([data, type, count]) => lab.seen(lab.blob(data, type), count), [
    await base64(image),
    type,
    count,
  ] as const);

describe('surfaces', () => {
  const kinds = ['canvas', 'offscreen', 'bitmap', 'imageData', 'img', 'blob', 'frame'] as const;
  it.each(kinds)('%s gives the lesion where it is, and stays the caller’s unless it is a VideoFrame', async kind => {
    const result = await page.evaluate(async kind => {
      const canvas = lab.canvas();
      const blob = async () => (await new Promise<Blob | null>(done => canvas.toBlob(done)))!;
      const image = async () => {
        const img = new Image();
        img.src = URL.createObjectURL(await blob());
        await img.decode();
        return img;
      };
      const offscreen = () => {
        const copy = new OffscreenCanvas(20, 10);
        copy.getContext('2d')?.drawImage(canvas, 0, 0);
        return copy;
      };
      const sources = {
        canvas: async () => canvas,
        offscreen: async () => offscreen(),
        bitmap: () => createImageBitmap(canvas),
        imageData: async () => canvas.getContext('2d')!.getImageData(0, 0, 20, 10),
        img: image,
        blob,
        frame: async () => new VideoFrame(canvas, { timestamp: 0 }),
      };
      const source = await sources[kind]();
      const segmenter = await lab.start();
      const { lesions, width, height } = await segmenter.segment(source, await segmenter.encodeReport('red'));
      await segmenter.dispose();
      const closed = source instanceof VideoFrame ? source.format === null : (source as { width?: number }).width === 0;
      return { lesions, width, height, closed };
    }, kind);
    expect(result).toMatchObject({ width: 20, height: 10, lesions: [{ box: [12, 3, 6, 4], area: 24 }] });
    expect(result.closed).toBe(kind === 'frame');
  });

  it('closes a VideoFrame whose call never starts', async () => {
    const closed = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const report = await segmenter.encodeReport('red');
      const frames = [1, 2].map(timestamp => new VideoFrame(lab.canvas(), { timestamp }));
      await lab.failure(segmenter.segment(frames[0]!, report, { signal: AbortSignal.abort() }));
      await segmenter.dispose();
      await lab.failure(segmenter.segment(frames[1]!, report));
      return frames.map(frame => frame.format === null);
    });
    expect(closed).toEqual([true, true]);
  });

  it('refuses a VideoFrame that is closed, and a picture of another origin', async () => {
    const elsewhere = site.origin.replace('127.0.0.1', 'localhost');
    const failures = await page.evaluate(async elsewhere => {
      const frame = new VideoFrame(lab.canvas(), { timestamp: 0 });
      frame.close();
      const image = new Image();
      image.src = `${elsewhere}/samples/polyp-small-pink.jpg`;
      await image.decode();
      const tainted = lab.canvas();
      tainted.getContext('2d')?.drawImage(image, 0, 0);
      const sources = [frame, image, tainted];
      return Promise.all(sources.map(source => lab.failure(lab.seen(source))));
    }, elsewhere);
    expect(failures.map(error => error?.code)).toEqual(['BAD_ARGUMENT', 'IMAGE_UNREADABLE', 'IMAGE_UNREADABLE']);
    expect(failures[1]?.message).toContain('set crossOrigin before src');
    expect(failures[2]?.cause?.name).toMatch(/DataCloneError|SecurityError/);
  });

  it('each kind that has no picture yet, or no more, is told what to do in its own words', async () => {
    await page.route('**/never.jpg', () => {});
    const failures = await page.evaluate(async () => {
      const image = (src: string) => Object.assign(new Image(), { src });
      const broken = image('data:image/png;base64,bm9uZQ==');
      await broken.decode().catch(() => {});
      const closed = await createImageBitmap(lab.canvas());
      closed.close();
      const video = (src: string) => Object.assign(document.createElement('video'), { src });
      const unplayable = video('data:video/mp4;base64,bm9uZQ==');
      await new Promise(done => unplayable.addEventListener('error', done));
      const sources = {
        'img without src': new Image(),
        'img that loads': image('/never.jpg'),
        'img that is broken': broken,
        'video without source': document.createElement('video'),
        'video that fails': unplayable,
        'canvas of 0x0': Object.assign(document.createElement('canvas'), { width: 0, height: 0 }),
        'offscreen of 0x5': new OffscreenCanvas(0, 5),
        'closed bitmap': closed,
      };
      const said: Record<string, string> = {};
      for (const [name, source] of Object.entries(sources)) {
        const error = await lab.failure(lab.seen(source));
        said[name] = `${error?.code} ${error?.message}`;
      }
      return said;
    });
    const expected = {
      'img without src': /an <img> must have loaded, got one without a src; .*await image\.decode\(\)/,
      'img that loads': /an <img> must have loaded, got one that is loading; .*await image\.decode\(\)/,
      'img that is broken': /an <img> must have loaded, got one whose file could not be read; /,
      'video without source': /a <video> must have a frame \(readyState 2 or more\), got readyState 0; .*'loadeddata'/,
      'video that fails': /a <video> must have a frame .*, got one whose file could not be played; /,
      'canvas of 0x0': /a canvas must have pixels, got 0x0; set its width and height/,
      'offscreen of 0x5': /a canvas must have pixels, got 0x5; /,
      'closed bitmap': /an ImageBitmap must be open, got one that was closed or transferred; /,
    };
    for (const [name, pattern] of Object.entries(expected)) {
      expect(failures[name], name).toMatch(/^IMAGE_UNREADABLE segment: /);
      expect(failures[name], name).toMatch(pattern);
    }
    for (const name of ['video without source', 'canvas of 0x0', 'closed bitmap'])
      expect(failures[name], name).not.toContain('decode()');
  });

  it('converts wide-gamut pixels to sRGB', async () => {
    const { bytes } = await page.evaluate(() => {
      const wide = new ImageData(new Uint8ClampedArray([0, 255, 0, 255, 128, 128, 128, 255]), 2, 1, {
        colorSpace: 'display-p3',
      });
      return lab.seen(wide);
    });
    // P3's green is outside sRGB and clips; grey is grey in both.
    expect(bytes.slice(0, 4)).toEqual([0, 255, 0, 255]);
    expect(bytes.slice(4).every((byte, at) => Math.abs(byte - [128, 128, 128, 255][at]!) <= 1)).toBe(true);
  });
});

describe('files', () => {
  it('arrive byte for byte', async () => {
    const { bytes, width, height } = await seenOfFile(raw().png(), 'image/png', 24);
    expect([width, height]).toEqual([3, 2]);
    expect(bytes).toEqual([
      255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 255,
    ]);
  });

  it('are not colour-managed: a profile is ignored', async () => {
    const coded = raw().withIccProfile('p3').png();
    const stored = await sharp(await coded.toBuffer(), {})
      .keepIccProfile()
      .raw()
      .toBuffer();
    const { bytes } = await seenOfFile(coded, 'image/png', 4);
    expect(stored.subarray(0, 3)).not.toEqual(Buffer.from([255, 0, 0]));
    expect(bytes.slice(0, 3)).toEqual([...stored.subarray(0, 3)]);
  });

  it('have their EXIF orientation applied', async () => {
    // 6: shown turned by 90 degrees clockwise, so 40x20 becomes 20x40 with the left half on top.
    const halves = sharp({ create: { width: 40, height: 20, channels: 3, background: '#00f' } }).composite([
      { input: { create: { width: 20, height: 20, channels: 3, background: '#f00' } }, left: 0, top: 0 },
    ]);
    const data = await base64(
      halves.jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).withMetadata({ orientation: 6 }),
    );
    const result = await page.evaluate(async data => {
      const segmenter = await lab.start();
      return segmenter.segment(lab.blob(data, 'image/jpeg'), await segmenter.encodeReport('red'));
    }, data);
    expect(result).toMatchObject({ width: 20, height: 40, lesions: [{ box: [0, 0, 20, 20] }] });
  });

  it('have their alpha dropped over black', async () => {
    const half = sharp(Buffer.from([200, 100, 50, 128]), { raw: { width: 1, height: 1, channels: 4 } });
    const { bytes } = await seenOfFile(half.png(), 'image/png', 4);
    const expected = [200, 100, 50].map(value => (value * 128) / 255);
    expect(bytes.slice(0, 3).every((byte, at) => Math.abs(byte - expected[at]!) <= 1)).toBe(true);
    expect(bytes[3]).toBe(255);
  });

  it.each([
    ['empty', ''],
    ['text', 'bm90IGFuIGltYWdl'],
    ['a cut PNG', 'iVBORw0KGgoAAAANSUhEUg=='],
  ])('that are %s reject with IMAGE_UNREADABLE and spoil nothing', async (_name, data) => {
    const { error, lesions } = await page.evaluate(async data => {
      const segmenter = await lab.start();
      const report = await segmenter.encodeReport('red');
      const error = lab.failure(segmenter.segment(lab.blob(data, 'image/png'), report));
      const { lesions } = await segmenter.segment(lab.canvas(), report);
      return { error: await error, lesions: lesions.length };
    }, data);
    expect(error).toMatchObject({ tmca: true, code: 'IMAGE_UNREADABLE' });
    expect(error?.message).toMatch(
      /^segment: the file must be an image that this browser decodes, got \d+ bytes of type "image\/png"/,
    );
    expect(lesions).toBe(1);
  });

  it('that are no image yet (an img without a source) reject with IMAGE_UNREADABLE', async () => {
    const error = await page.evaluate(async () => lab.failure(lab.seen(new Image())));
    expect(error?.code).toBe('IMAGE_UNREADABLE');
  });
});
