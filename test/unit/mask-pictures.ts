// Masks and pictures that the tests of mask files draw: a disc, in every format and bit depth.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-masks-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
export async function save(bytes: Uint8Array, extension = 'png'): Promise<string> {
  const path = join(folder, `${files++}.${extension}`);
  await writeFile(path, bytes);
  return path;
}

/** A disc in 40 x 30, away from the border. */
export const [WIDTH, HEIGHT] = [40, 30];
const inDisc = (x: number, y: number, radius = 8) => (x - 22) ** 2 + (y - 14) ** 2 < radius ** 2;
export const disc = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
  inDisc(i % WIDTH, Math.floor(i / WIDTH)) ? 1 : 0,
);
export const UPRIGHT = { width: WIDTH, height: HEIGHT, orientation: 1 };

export type Value = (marked: boolean, x: number, y: number) => number | readonly number[];
/** Pixels by what they are in the disc; one number a channel. */
export const samplesOf = (value: Value): number[] =>
  [...disc].flatMap((marked, i) => value(marked === 1, i % WIDTH, Math.floor(i / WIDTH)));
export const image8 = (value: Value, channels: 1 | 2 | 3 | 4 = 1): Sharp => {
  const raw = sharp(Buffer.from(samplesOf(value)), { raw: { width: WIDTH, height: HEIGHT, channels } });
  return channels < 3 ? raw.toColourspace('b-w') : raw;
};
export const image16 = (value: Value, channels: 1 | 2 | 3 | 4 = 1): Sharp => {
  const raw = sharp(Uint16Array.from(samplesOf(value)), { raw: { width: WIDTH, height: HEIGHT, channels } });
  return raw.toColourspace(channels < 3 ? 'grey16' : 'rgb16');
};
/** A TIFF of one channel: floats (format 3) or whole numbers (1) of 32 bits. */
export function tiff32(values: Float32Array | Uint32Array): Buffer {
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
export const levels =
  (dark: number, bright: number): Value =>
  marked =>
    marked ? bright : dark;
/** Off by one pixel at the edge where smoothing or JPEG moved it. */
export const differences = (mask: Uint8Array) => mask.filter((value, i) => value !== disc[i]).length;
