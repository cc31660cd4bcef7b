// A small data set for the tests of training data, made once, and the thread's script, compiled as the build compiles it.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll } from 'vitest';
import { parseConfig } from '../../networks/config.js';
import type { AugmentSettings } from '../../train/batch/augment.js';
import { type TrainingBatch, TrainingData, type TrainingDataOptions } from '../../train/data/index.js';
import { randomOf } from '../../train/random.js';
import { type Bundle, bundle } from './train-bundle.js';

export const COUNT = 7;
export const words = ['one', 'polyp', 'in', 'the', 'left', 'right', 'of', 'image', ',', '.'];
export const vocab = new TextEncoder().encode(`${['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...words].join('\n')}\n`);
export const config = parseConfig(
  { image_size: 32, vocab_size: words.length + 4, max_text_length: 20, name: 'data' },
  'test',
);
export const off: AugmentSettings = {
  zoom: { probability: 0, min: 1, max: 1 },
  jitter: { probability: 0, brightness: 0, contrast: 0, saturation: 0 },
  flip: { probability: 0 },
  text: { none: 0, bare: 0, part: 0, wrong: 0, paraphrase: 0, synonyms: 0, typos: 0 },
};

export let compiled: Bundle;
export let original: string;
const made: string[] = [];
export const temporary = async () => {
  made.push(await mkdtemp(join(tmpdir(), 'tmca-train-')));
  return made.at(-1)!;
};

/** Noise of a seed, with a rectangle for a mask. Sizes differ from record to record. */
async function writePair(folder: string, i: number): Promise<void> {
  const [width, height] = [40 + 9 * i, 33 + 5 * i];
  const random = randomOf('picture', i);
  const rgb = Buffer.from(Array.from({ length: width * height * 3 }, () => random.below(256)));
  const raw = (channels: 1 | 3) => ({ raw: { width, height, channels } });
  await sharp(rgb, raw(3))
    .png()
    .toFile(join(folder, `images/r${i}.png`));
  const mask = Buffer.alloc(width * height);
  for (let y = 4; y < 20 + i; y++) mask.fill(255, y * width + 3 + i, y * width + 24);
  await sharp(mask, raw(1))
    .png()
    .toFile(join(folder, `masks/r${i}.png`));
}

export const record = (i: number, more: object = {}) => ({
  id: `r${i}`,
  image: `images/r${i}.png`,
  mask: `masks/r${i}.png`,
  split: 'train',
  text: i % 2 ? 'one polyp, in the left of the image.' : 'one polyp',
  ...more,
});
export const writeRecords = (folder: string, records: object[]) =>
  writeFile(join(folder, 'dataset.json'), JSON.stringify({ records }));

beforeAll(async () => {
  original = await temporary();
  for (const name of ['images', 'masks']) await mkdir(join(original, name));
  for (let i = 0; i < COUNT; i++) await writePair(original, i);
  await writeRecords(
    original,
    Array.from({ length: COUNT }, (_, i) => record(i)),
  );
  compiled = await bundle({ data: 'train/data/index.ts', 'decode-worker': 'train/data/decode-worker.ts' });
});
afterAll(async () => {
  await compiled.remove();
  for (const folder of made) await rm(folder, { recursive: true });
});

/** A copy of the data set to spoil. */
export async function copy(): Promise<string> {
  const folder = await temporary();
  await cp(original, folder, { recursive: true });
  return folder;
}

export const open = (folder: string, more: Partial<TrainingDataOptions> = {}) =>
  TrainingData.open(folder, {
    split: 'train',
    config,
    vocab,
    batch: 2,
    seed: 5,
    augment: off,
    threads: 1,
    script: compiled.url('decode-worker'),
    ...more,
  });

export async function collect(data: TrainingData, epoch: number, from?: number): Promise<TrainingBatch[]> {
  const batches: TrainingBatch[] = [];
  for await (const batch of data.epoch(epoch, from === undefined ? {} : { from })) batches.push(batch);
  return batches;
}

/** All batches of the first epochs. */
export async function batchesOf(more: Partial<TrainingDataOptions>, epochs = 2): Promise<TrainingBatch[]> {
  const data = await open(original, more);
  try {
    const all: TrainingBatch[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) all.push(...(await collect(data, epoch)));
    return all;
  } finally {
    await data.dispose();
  }
}
