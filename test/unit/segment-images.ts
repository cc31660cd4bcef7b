// Pictures and an output folder for the tests of `tmca segment`, new for each test.

import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach } from 'vitest';

export let folder: string;
export let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-segment-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** 12 x 9, red from column 6 on in rows 3 to 5. */
export async function image(name: string): Promise<string> {
  const data = Buffer.alloc(12 * 9 * 3);
  for (let y = 3; y < 6; y++) for (let x = 6; x < 12; x++) data[(y * 12 + x) * 3] = 255;
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await sharp(data, { raw: { width: 12, height: 9, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

export const text = ['--text', 'one red area'];
export const files = async () => (await readdir(out)).sort();
