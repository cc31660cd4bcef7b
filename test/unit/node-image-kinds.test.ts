// Files that are no images this package reads are named by what they are, whatever they are called; bitmaps are read; and a JPEG
// with odd headers and whole pixels is not taken for a damaged one.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp, { type JpegOptions } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../node/images/image-files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-kinds-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function save(bytes: Uint8Array, extension = 'png'): Promise<string> {
  const path = join(folder, `${files++}.${extension}`);
  await writeFile(path, bytes);
  return path;
}

/** Bytes with a signature at its place. */
const withText = (signature: string, offset = 0, length = 600): Buffer => {
  const bytes = Buffer.alloc(length);
  bytes.write(signature, offset, 'latin1');
  return bytes;
};
const media = (...brands: string[]): Buffer => {
  const bytes = withText(`ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`, 4);
  bytes.writeUInt32BE(12 + 4 * brands.length, 0);
  return bytes;
};

describe('is named by its first bytes, whatever its name:', () => {
  const kinds: [string, Buffer, RegExp][] = [
    ['DICOM', withText('DICM', 128), /got a DICOM file; .*dcmj2pnm/],
    ['DICOM without a preamble', withText('\x08\0\x05\0CS\n\0ISO_IR 100'), /got a DICOM file/],
    ['NIfTI', withText('n+1\0', 344), /got a NIfTI volume; save its slices/],
    ['NIfTI-2', withText('n+2\0\r\n\x1a\n', 4), /got a NIfTI volume/],
    [
      'packed NIfTI',
      gzipSync(withText('n+1\0', 344, 100_000)),
      /got a NIfTI volume, packed with gzip; save its slices/,
    ],
    ['gzip', gzipSync('text'), /got a gzip archive; unpack it/],
    ['HEIC', media('heic', 'mif1', 'heic'), /got a HEIC photo; .*heif-convert/],
    ['HEIC by its second brand', media('mif1', 'heic'), /got a HEIC photo/],
    ['JPEG 2000', withText('\0\0\0\x0cjP  \r\n\x87\n'), /got a JPEG 2000 image/],
    ['a JPEG 2000 stream', withText('\xff\x4f\xff\x51'), /got a JPEG 2000 image/],
    ['JPEG XL', withText('\xff\x0a'), /got a JPEG XL image/],
    ['JPEG-LS', withText('\xff\xd8\xff\xf7'), /got a JPEG-LS image/],
    ['PDF', withText('%PDF-1.7\n'), /got a PDF document; .*pdftoppm/],
    ['MP4', media('isom', 'avc1'), /got an MP4 or QuickTime video; save its frames/],
    ['QuickTime', media('qt  '), /got an MP4 or QuickTime video/],
    ['QuickTime of old', withText('moov', 4), /got a QuickTime video/],
    ['AVI', withText('RIFF\0\0\0\0AVI LIST'), /got an AVI video/],
    ['WebM', withText('\x1a\x45\xdf\xa3'), /got a WebM or Matroska video/],
    ['MPEG', withText('\0\0\x01\xba'), /got an MPEG video/],
    ['NRRD', withText('NRRD0005\n'), /got an NRRD volume/],
    ['MetaImage', withText('ObjectType = Image\nNDims = 3\n'), /got a MetaImage header/],
    ['HDF5', withText('\x89HDF\r\n\x1a\n'), /got an HDF5 file/],
    ['NumPy', withText('\x93NUMPY\x01\0'), /got a NumPy array; .*Image\.fromarray/],
    ['ZIP', withText('PK\x03\x04'), /got a ZIP archive/],
    ['Photoshop', withText('8BPS\0\x01'), /got a Photoshop document/],
    ['HTML', Buffer.from('\n<!DOCTYPE html><title>404</title>'), /got a web page; download the image itself/],
    [
      'Git LFS',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      /got a pointer of Git LFS; .*git lfs pull/,
    ],
  ];
  test.each(kinds)('%s', async (_, bytes, text) => {
    const path = await save(bytes);
    const error = await decodeImage(path).catch(e => e);
    expect(error).toMatchObject({ code: 'IMAGE_UNREADABLE' });
    expect(error.message).toMatch(text);
    expect(error.message).toContain(path);
  });

  test('an AVIF whose first brand is that of HEIF is read all the same', async () => {
    const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#c86432' } })
      .avif()
      .toBuffer();
    expect((await decodeImage(await save(bytes))).pixels).toMatchObject({ width: 16, height: 16 });
    const other = Buffer.from(bytes);
    other.write('mif1', 8, 'latin1');
    expect(other.toString('latin1', 16, 40)).toContain('avif');
    expect((await decodeImage(await save(other))).pixels).toMatchObject({ width: 16, height: 16 });
  });
});

/** 5 x 3, so that rows need padding at every depth. */
const [WIDTH, HEIGHT] = [5, 3];
const rgbAt = (x: number, y: number): [number, number, number] => [40 * x, 80 * y, 255 - 50 * x];
const RGB = Array.from({ length: HEIGHT }, (_, y) =>
  Array.from({ length: WIDTH }, (_, x) => rgbAt(x, y)).flat(),
).flat();

interface BmpOptions {
  readonly bits: number;
  readonly topDown?: boolean;
  readonly header?: number;
  readonly compression?: number;
  /** Colours as blue, green and red, as they lie in the file. */
  readonly palette?: readonly (readonly [number, number, number])[];
  readonly masks?: readonly number[];
}

/** A bitmap; `put` writes pixel (x, y) into its row. */
function bmp(options: BmpOptions, put: (row: Buffer, x: number, y: number) => void): Buffer {
  const { bits, topDown = false, header = 40, compression = 0, palette = [], masks = [] } = options;
  const stride = Math.ceil((bits * WIDTH) / 32) * 4;
  const entry = header === 12 ? 3 : 4;
  const behind = header === 40 ? 4 * masks.length : 0;
  const offset = 14 + header + behind + entry * palette.length;
  const bytes = Buffer.alloc(offset + stride * HEIGHT);
  bytes.write('BM', 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(offset, 10);
  bytes.writeUInt32LE(header, 14);
  if (header === 12) {
    for (const [i, value] of [WIDTH, HEIGHT, 1, bits].entries()) bytes.writeUInt16LE(value, 18 + 2 * i);
  } else {
    bytes.writeInt32LE(WIDTH, 18);
    bytes.writeInt32LE(topDown ? -HEIGHT : HEIGHT, 22);
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(bits, 28);
    bytes.writeUInt32LE(compression, 30);
    bytes.writeUInt32LE(palette.length, 46);
    for (const [i, mask] of masks.entries()) bytes.writeUInt32LE(mask, 54 + 4 * i);
  }
  for (const [i, colour] of palette.entries()) bytes.set(colour, 14 + header + behind + entry * i);
  for (let y = 0; y < HEIGHT; y++) {
    const at = offset + stride * (topDown ? y : HEIGHT - 1 - y);
    for (let x = 0; x < WIDTH; x++) put(bytes.subarray(at, at + stride), x, y);
  }
  return bytes;
}

const put24 = (row: Buffer, x: number, y: number) => void row.set([...rgbAt(x, y)].reverse(), 3 * x);
const put32 = (alpha: number) => (row: Buffer, x: number, y: number) =>
  void row.set([...[...rgbAt(x, y)].reverse(), alpha], 4 * x);
const GREYS = Array.from({ length: 16 }, (_, i) => [17 * i, 17 * i, 17 * i] as const);
const index = (x: number, y: number) => (x + 5 * y) % 16;
const ARGB = [0xff0000, 0xff00, 0xff, 0xff000000];

describe('a bitmap is read:', () => {
  const whole: [string, () => Buffer, 1 | 3, number[]][] = [
    ['24 bits', () => bmp({ bits: 24 }, put24), 3, RGB],
    ['24 bits from the top down', () => bmp({ bits: 24, topDown: true }, put24), 3, RGB],
    ['24 bits with the header of OS/2', () => bmp({ bits: 24, header: 12 }, put24), 3, RGB],
    ['24 bits, whose last row is not filled up', () => bmp({ bits: 24 }, put24).subarray(0, -1), 3, RGB],
    ['24 bits with a header of 124 bytes', () => bmp({ bits: 24, header: 124 }, put24), 3, RGB],
    ['32 bits, whose fourth byte means nothing', () => bmp({ bits: 32 }, put32(0)), 3, RGB],
    [
      '32 bits with masks, opaque',
      () => bmp({ bits: 32, header: 124, compression: 3, masks: ARGB }, put32(255)),
      3,
      RGB,
    ],
    [
      '32 bits with masks, and alpha left at 0',
      () => bmp({ bits: 32, header: 124, compression: 3, masks: ARGB }, put32(0)),
      3,
      RGB,
    ],
    [
      '16 bits, five each',
      () =>
        bmp({ bits: 16 }, (row, x, y) => {
          const [r, g, b] = rgbAt(x, y).map(v => v >> 3) as [number, number, number];
          row.writeUInt16LE((r << 10) | (g << 5) | b, 2 * x);
        }),
      3,
      RGB.map(v => Math.round(((v >> 3) * 255) / 31)),
    ],
    [
      '8 bits, grey',
      () => bmp({ bits: 8, palette: GREYS }, (row, x, y) => void row.writeUInt8(index(x, y), x)),
      1,
      Array.from({ length: 15 }, (_, i) => 17 * i),
    ],
    [
      '4 bits, grey',
      () =>
        bmp(
          { bits: 4, palette: GREYS },
          (row, x, y) => void row.writeUInt8(row[x >> 1]! | (index(x, y) << (x % 2 ? 0 : 4)), x >> 1),
        ),
      1,
      Array.from({ length: 15 }, (_, i) => 17 * i),
    ],
    [
      '1 bit of two colours',
      () =>
        bmp(
          {
            bits: 1,
            palette: [
              [0, 0, 255],
              [255, 0, 0],
            ],
          },
          (row, x, y) => {
            if ((x + y) % 2) row[0]! |= 0x80 >> x;
          },
        ),
      3,
      Array.from({ length: 15 }, (_, i) => (((i % 5) + Math.floor(i / 5)) % 2 ? [0, 0, 255] : [255, 0, 0])).flat(),
    ],
  ];
  test.each(whole)('%s', async (_, make, channels, expected) => {
    const { pixels, notes } = await decodeImage(await save(make(), 'bmp'));
    expect([pixels.width, pixels.height, pixels.channels]).toEqual([WIDTH, HEIGHT, channels]);
    expect([...pixels.data]).toEqual(expected);
    expect(notes).toEqual([]);
  });

  test.each([
    [
      'with RLE',
      bmp({ bits: 8, compression: 1, palette: GREYS }, () => {}),
      /got a BMP file with RLE compression; save it again/,
    ],
    ['with a JPEG inside', bmp({ bits: 24, compression: 4 }, () => {}), /a BMP file with JPEG compression/],
    ['cut off', bmp({ bits: 24 }, put24).subarray(0, -2), /a BMP file that is cut off/],
    [
      'with pixels in its header',
      Object.assign(bmp({ bits: 24 }, put24), { 10: 20 }),
      /whose pixels lie in its header/,
    ],
    ['of its first bytes alone', Buffer.from('BM'), /a BMP file that is cut off/],
    [
      'with a header that nobody knows',
      Object.assign(bmp({ bits: 24 }, put24), { 14: 41 }),
      /a BMP file with a header of 41 bytes/,
    ],
    ['without its palette', bmp({ bits: 8 }, () => {}), /a BMP file without its palette/],
  ])('not %s, which is said', async (_, bytes, text) => {
    await expect(decodeImage(await save(bytes))).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringMatching(text),
    });
  });
});

describe('a JPEG', () => {
  const noise = (options: JpegOptions = {}) =>
    sharp(Buffer.from(Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * i * 31 + i * 7) % 251)), {
      raw: { width: 64, height: 48, channels: 3 },
    })
      .jpeg({ quality: 95, ...options })
      .toBuffer();
  const END = Buffer.from([0xff, 0xd9]);
  /** Where a marker's segment begins. */
  const find = (bytes: Buffer, marker: number) => bytes.indexOf(Buffer.from([0xff, marker]));
  const insert = (bytes: Buffer, at: number, more: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  const oddScan = (bytes: Buffer, values: number[]) => {
    const scan = find(bytes, 0xda);
    const odd = Buffer.from(bytes);
    odd.set(values, scan + 2 + odd.readUInt16BE(scan + 2) - 3);
    return odd;
  };
  const jfif = (major: number) =>
    Buffer.from([0xff, 0xe0, 0, 16, ...Buffer.from('JFIF\0'), major, 1, 0, 0, 1, 0, 1, 0, 0]);
  const adobe = (transform: number) =>
    Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform]);

  const odd: [string, (bytes: Buffer) => Buffer][] = [
    ['parameters of the scan as Samsung writes them', b => oddScan(b, [0, 0, 0])],
    ['other parameters of the scan', b => oddScan(b, [1, 5, 0x21])],
    ['bytes before a segment', b => insert(b, find(b, 0xdb), Buffer.from([1, 2, 3]))],
    ['bytes before the scan', b => insert(b, find(b, 0xda), Buffer.from([0, 0]))],
    ['another version of JFIF', b => insert(b, 2, jfif(9))],
    ['an unknown transform of Adobe’s', b => insert(b, 2, adobe(9))],
    ['bytes before its end', b => insert(b, b.length - 2, Buffer.from([1, 2, 3, 4, 5]))],
    ['bytes after its end', b => Buffer.concat([b, Buffer.alloc(500, 7)])],
    ['no end marker', b => b.subarray(0, -2)],
    ['several of these', b => insert(oddScan(b, [0, 0, 0]), 2, jfif(7)).subarray(0, -2)],
  ];
  test.each(odd)('with %s is read, to the pixel', async (_, change) => {
    const clean = await noise();
    const expected = await decodeImage(await save(clean, 'jpg'));
    const { pixels } = await decodeImage(await save(change(clean), 'jpg'));
    expect(Buffer.from(pixels.data).equals(Buffer.from(expected.pixels.data))).toBe(true);
  });

  test('that is progressive, with bytes before its end, is read', async () => {
    const clean = await noise({ progressive: true });
    const expected = await decodeImage(await save(clean, 'jpg'));
    const padded = insert(clean, clean.length - 2, Buffer.from([1, 2, 3, 4, 5]));
    const { pixels } = await decodeImage(await save(padded, 'jpg'));
    expect(Buffer.from(pixels.data).equals(Buffer.from(expected.pixels.data))).toBe(true);
  });

  test.each([0.3, 0.6, 0.9, 0.99])(
    'of which %d is left is refused, whatever else is odd, with an end or without',
    async share => {
      const clean = await noise();
      const progressive = await noise({ progressive: true });
      const cut = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * share));
      const broken = [cut(clean), Buffer.concat([cut(clean), END]), cut(oddScan(clean, [0, 0, 0]))];
      broken.push(
        Buffer.concat([cut(oddScan(clean, [0, 0, 0])), END]),
        cut(insert(clean, 2, jfif(9))),
        cut(progressive),
      );
      for (const bytes of broken) {
        await expect(decodeImage(await save(bytes, 'jpg'))).rejects.toMatchObject({
          code: 'IMAGE_UNREADABLE',
          message: expect.stringMatching(/premature end.*cut off: copy it again/),
        });
      }
    },
  );
});
