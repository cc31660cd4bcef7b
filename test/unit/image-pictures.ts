// Pictures that the tests of image files draw, and a folder to save them in.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll } from 'vitest';
import type { Pixels } from '../../runtime/types.js';

export let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-images-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
export async function save(bytes: Uint8Array | string, extension = 'bin'): Promise<string> {
  const path = join(folder, `${files++}.${extension}`);
  await writeFile(path, bytes);
  return path;
}

/** 4 x 3, every pixel another colour. */
export const WIDTH = 4;
export const HEIGHT = 3;
export const COLOURS = Array.from({ length: WIDTH * HEIGHT }, (_, i) => [i * 20, 255 - i * 20, (i * 77) % 256]);
export const rgb = (): Sharp =>
  sharp(Buffer.from(COLOURS.flat()), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
export const raw = (values: number[], width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp =>
  sharp(Buffer.from(values), { raw: { width, height, channels } });
export const raw16 = (values: number[], width: number, channels: 1 | 3 | 4): Sharp =>
  sharp(new Uint16Array(values), { raw: { width, height: 1, channels } });
/** Noise, so that a cut-off file really lacks pixels. */
export const noise = (): Sharp =>
  raw(
    Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * i * 31 + i * 7) % 251),
    64,
    48,
    3,
  );
/** 5 x 4 frames of one colour each, one below the other as libvips keeps them. */
export const frames = (colours: number[][]): Sharp =>
  sharp(Buffer.from(colours.flatMap(colour => Array(20).fill(colour).flat())), {
    raw: { width: 5, height: 4 * colours.length, channels: 3, pageHeight: 4 },
  });
export const RED_GREEN_BLUE = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
];

export const values = (pixels: Pixels): number[] => [...pixels.data];
export const shape = (pixels: Pixels): number[] => [pixels.height, pixels.width, pixels.channels];
