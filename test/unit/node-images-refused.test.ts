// Image files that are damaged, cut off, too large or none: each is refused, and the message names the file.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../node/images/image-files.js';
import { folder, noise, rgb, save } from './image-pictures.js';

describe('decodeImage refuses', () => {
  const cut = async (make: () => Promise<Buffer>, share: number) => {
    const bytes = await make();
    return bytes.subarray(0, Math.floor(bytes.length * share));
  };
  const jpeg = () => noise().jpeg({ quality: 95 }).toBuffer();
  const png = () => noise().png().toBuffer();
  const cases: [string, () => Promise<Uint8Array | string>, string, RegExp][] = [
    ['0 bytes', async () => '', 'IMAGE_UNREADABLE', /got 0 bytes in .*; copy it again/],
    ['a text file', async () => 'one small polyp', 'IMAGE_UNREADABLE', /unsupported image format.*damaged or no image/],
    [
      'an SVG',
      async () => '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      'IMAGE_UNREADABLE',
      /got svg; convert it to JPEG/,
    ],
    ['HTML named .png', async () => '<!doctype html><title>404</title>', 'IMAGE_UNREADABLE', /must be a whole image/],
    [
      'the first 20 bytes of a JPEG',
      async () => (await jpeg()).subarray(0, 20),
      'IMAGE_UNREADABLE',
      /must be a whole image/,
    ],
    [
      'the first 30 bytes of a PNG',
      async () => (await png()).subarray(0, 30),
      'IMAGE_UNREADABLE',
      /must be a whole image/,
    ],
    ['30 % of a JPEG', () => cut(jpeg, 0.3), 'IMAGE_UNREADABLE', /premature end.*copy it again/],
    ['90 % of a JPEG', () => cut(jpeg, 0.9), 'IMAGE_UNREADABLE', /premature end/],
    [
      '60 % of a progressive JPEG',
      () => cut(() => noise().jpeg({ progressive: true }).toBuffer(), 0.6),
      'IMAGE_UNREADABLE',
      /premature end/,
    ],
    [
      'half a JPEG that was given an end',
      async () => Buffer.concat([await cut(jpeg, 0.5), Buffer.from([0xff, 0xd9])]),
      'IMAGE_UNREADABLE',
      /premature end/,
    ],
    ['30 % of a PNG', () => cut(png, 0.3), 'IMAGE_UNREADABLE', /damaged or cut off/],
    ['90 % of a PNG', () => cut(png, 0.9), 'IMAGE_UNREADABLE', /damaged or cut off/],
    [
      'a PNG with a flipped bit',
      async () => {
        const bytes = await png();
        bytes[bytes.length >> 1]! ^= 16;
        return bytes;
      },
      'IMAGE_UNREADABLE',
      /damaged or cut off/,
    ],
    ['half a WebP', () => cut(() => noise().webp().toBuffer(), 0.5), 'IMAGE_UNREADABLE', /must be a whole image/],
    ['half a GIF', () => cut(() => noise().gif().toBuffer(), 0.5), 'IMAGE_UNREADABLE', /must be a whole image/],
    ['half a TIFF', () => cut(() => noise().tiff().toBuffer(), 0.5), 'IMAGE_UNREADABLE', /must be a whole image/],
    ['half an AVIF', () => cut(() => noise().avif().toBuffer(), 0.5), 'IMAGE_UNREADABLE', /must be a whole image/],
    [
      'a TIFF of floats',
      () => rgb().toColourspace('scrgb').tiff({ compression: 'none' }).toBuffer(),
      'IMAGE_UNREADABLE',
      /got float pixels; convert it to 8 or 16 bits/,
    ],
    [
      '121 megapixels',
      () =>
        sharp({ create: { width: 11_000, height: 11_000, channels: 3, background: '#000' } })
          .toColourspace('b-w')
          .png({ compressionLevel: 1 })
          .toBuffer(),
      'IMAGE_TOO_LARGE',
      /may have 120000000 pixels, got 11000 x 11000/,
    ],
  ];
  test.each(cases)('%s', async (_, make, code, text) => {
    const path = await save(await make());
    const error = await decodeImage(path).catch(e => e);
    expect(error).toMatchObject({ name: 'TmcaError', code });
    expect(error.message).toMatch(text);
    expect(error.message).toContain(path);
    expect(error.message).not.toContain('\n');
  });

  test('a folder', async () => {
    const path = join(folder, 'sub');
    await mkdir(path);
    await expect(decodeImage(path)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('got the folder'),
    });
  });
  test('a missing file, and one below a file', async () => {
    const file = await save('x');
    for (const path of [join(folder, 'none.png'), join(file, 'x.png')]) {
      await expect(decodeImage(path)).rejects.toMatchObject({
        code: 'FILE_NOT_FOUND',
        message: expect.stringContaining(path),
      });
    }
  });
  test('more pixels than asked for', async () => {
    const path = await save(await rgb().png().toBuffer());
    await expect(decodeImage(path, { maxPixels: 11 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(decodeImage(path, { maxPixels: 12 })).resolves.toBeDefined();
  });
  test('after its signal fired', async () => {
    const path = await save(await rgb().png().toBuffer());
    await expect(decodeImage(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
