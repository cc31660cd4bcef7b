// `evaluate` of the API against the command, on a data set made here.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { realEngine } from '../../cli/engine.js';
import { evaluate, readImage } from '../../node/index.js';
import { call } from './cli-fakes.js';

const folder = await mkdtemp(join(tmpdir(), 'tmca-evaluate-api-'));
afterAll(() => rm(folder, { recursive: true }));

const [width, height] = [96, 80];
const bytes = (at: (x: number, y: number, c: number) => number, channels: 1 | 3) =>
  sharp(
    Uint8Array.from({ length: width * height * channels }, (_, i) => {
      const pixel = Math.floor(i / channels);
      return at(pixel % width, Math.floor(pixel / width), i % channels);
    }),
    { raw: { width, height, channels } },
  ).png();
const disc = (x: number, y: number) => Math.hypot(x - 58, y - 40) < 20;
const text = 'one medium pink round polyp, located in right of the image';

await bytes((x, y, c) => (disc(x, y) ? [220, 110, 100] : [123, 62, 50])[c]!, 3).toFile(join(folder, 'disc.png'));
await bytes(() => 90, 3).toFile(join(folder, 'flat.png'));
await bytes((x, y) => (disc(x, y) ? 255 : 0), 1).toFile(join(folder, 'disc-mask.png'));
await bytes(() => 0, 1).toFile(join(folder, 'flat-mask.png'));
const records = ['disc', 'flat'].map(id => ({ id, image: `${id}.png`, mask: `${id}-mask.png`, split: 'test', text }));
await writeFile(join(folder, 'dataset.json'), JSON.stringify({ name: 'Discs', records }));

test('gives what the command prints, and a picture without contrast has no lesion', async () => {
  const seen: number[][] = [];
  const got = await evaluate({
    ...{ data: folder, device: 'wasm' },
    onProgress: (done, total) => void seen.push([done, total]),
  });
  const { json, code } = await call(['evaluate', '--data', folder, '--device', 'wasm', '--json'], {
    engine: realEngine,
  });
  expect(code).toBe(0);
  expect(JSON.parse(JSON.stringify(got))).toEqual(json);
  expect(seen).toEqual([
    [1, 2],
    [2, 2],
  ]);
  expect(got).toMatchObject({ n: 2, model: 'nano-128', split: 'test', integrity: 'checked', truncated: 0 });
  // Both masks are empty.
  expect(got.per_image[1]).toMatchObject({ id: 'flat', dice: 1, iou: 1 });
  expect(got.notes.join()).toContain('flat.png: the picture has one colour all over');
});

test('refuses what is wrong before anything is opened, and stops', async () => {
  for (const wrong of [
    { data: 7 },
    { data: folder, signal: 1 },
    { data: folder, model: null },
    { data: folder, split: 1 },
    { data: folder, text: 1 },
    { data: folder, threshold: null },
    { data: folder, threshold: 2 },
    { data: folder, onProgress: 'loud' },
    { data: folder, device: 'gpu' },
    { data: folder, integrity: 'strict' },
  ])
    await expect(evaluate(wrong as unknown as { data: string }), JSON.stringify(wrong)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    });
  await expect(evaluate({ data: join(folder, 'none') })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(evaluate({ data: folder, device: 'wasm', signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  });
});

test('readImage gives pixels of a path or of bytes', async () => {
  const path = join(folder, 'disc.png');
  const { pixels, notes } = await readImage(path);
  expect(pixels).toMatchObject({ width, height, channels: 3 });
  expect(notes).toEqual([]);
  const again = await readImage(await sharp(path).toBuffer());
  expect(Buffer.from(again.pixels.data).equals(Buffer.from(pixels.data))).toBe(true);
});
