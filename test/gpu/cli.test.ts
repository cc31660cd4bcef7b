// The command end to end, on the shipped model and a sample image: files to files through Dawn.

import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DevicesResult } from '../../cli/actions/devices.js';
import type { EvaluateResult } from '../../cli/actions/evaluate.js';
import type { SegmentResult } from '../../cli/actions/segment.js';
import { realEngine } from '../../cli/engine.js';
import { profileOf } from '../../gpu/profiles.js';
import { call } from '../unit/cli-fakes.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const shared = join(root, '..', 'shared');
const samples = JSON.parse(readFileSync(join(root, 'samples', 'samples.json'), 'utf8')) as {
  file: string;
  text: string;
}[];
const { file, text } = samples[0]!;
const image = join(root, 'samples', file);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tmca = (...argv: string[]) => call(argv, { engine: realEngine });

async function segment(...more: string[]): Promise<SegmentResult> {
  const { code, json, stderr } = await tmca(
    'segment',
    image,
    '--text',
    text,
    '--out',
    folder,
    '--device',
    'webgpu',
    '--json',
    ...more,
  );
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return (json as SegmentResult[])[0]!;
}

describe('segment', () => {
  test('finds the polyp of a sample: mask, lesions and overlay agree', async () => {
    const result = await segment();
    const { width, height } = await sharp(image).metadata();
    expect(result).toMatchObject({ image, width, height, device: 'webgpu', dtype: 'fp16' });
    expect(result.lesions.length).toBeGreaterThan(0);
    const mask = await sharp(result.mask).toColourspace('b-w').raw().toBuffer();
    expect(mask.length).toBe(width * height);
    const set = mask.reduce((sum, value) => sum + (value === 255 ? 1 : 0), 0);
    expect(set + mask.reduce((sum, value) => sum + (value === 0 ? 1 : 0), 0)).toBe(mask.length);
    expect(result.lesions.reduce((sum, lesion) => sum + lesion.area, 0)).toBe(set);
    expect(await sharp(result.overlay).metadata()).toMatchObject({ width, height, channels: 3 });
  });

  test('fp32 and fp16 give nearly the same mask', async () => {
    const masks = [];
    for (const dtype of ['fp32', 'fp16']) {
      const { mask } = await segment('--dtype', dtype);
      masks.push(await sharp(mask).toColourspace('b-w').raw().toBuffer());
    }
    const [a, b] = masks as [Buffer, Buffer];
    const differ = a.reduce((sum, value, i) => sum + (value === b[i] ? 0 : 1), 0);
    expect(differ / a.length).toBeLessThan(0.005);
  });
});

test('evaluate scores a model on its own masks near 1', async () => {
  const { mask } = await segment();
  await copyFile(image, join(folder, 'image.jpg'));
  await copyFile(mask, join(folder, 'mask.png'));
  const records = [{ id: 'own', image: 'image.jpg', mask: 'mask.png', split: 'test', text }];
  await writeFile(join(folder, 'dataset.json'), JSON.stringify({ name: 'own', records }));
  const { code, json } = await tmca('evaluate', '--data', folder, '--device', 'webgpu', '--json');
  expect(code).toBe(0);
  const { n, dice, mean_dice } = json as EvaluateResult;
  expect(n).toBe(1);
  // Not 1: the mask has been to the image's size and back.
  expect(dice).toBeGreaterThan(0.96);
  expect(mean_dice).toBe(dice);
});

const reference = join(shared, 'models', 'nano-128', 'reference.json');

test.skipIf(!existsSync(reference))(
  'evaluate gives the scores of PyTorch on ten images of Kvasir-SEG (skipped without ../shared, which holds them)',
  async () => {
    const data = join(shared, 'data', 'kvasir-seg');
    const { result } = JSON.parse(readFileSync(reference, 'utf8')) as { result: EvaluateResult };
    const { records } = JSON.parse(readFileSync(join(data, 'dataset.json'), 'utf8')) as {
      records: { id: string; split: string }[];
    };
    const chosen = new Set(result.per_image.slice(0, 10).map(({ id }) => id));
    const absolute = records.filter(({ id }) => chosen.has(id));
    const place = await mkdtemp(join(folder, 'ten-'));
    // Paths must lie in the data set's folder, so the ten are copied.
    for (const record of absolute as unknown as { image: string; mask: string }[]) {
      for (const key of ['image', 'mask'] as const) {
        await copyFile(join(data, record[key]), join(place, record[key].replaceAll('/', '-')));
        record[key] = record[key].replaceAll('/', '-');
      }
    }
    await writeFile(join(place, 'dataset.json'), JSON.stringify({ records: absolute }));
    const argv = ['--model', join(shared, 'models', 'nano-128'), '--dtype', 'fp32', '--device', 'webgpu', '--json'];
    const { json } = await tmca('evaluate', '--data', place, ...argv);
    const scores = new Map(result.per_image.map(score => [score.id, score]));
    const { per_image } = json as EvaluateResult;
    expect(per_image).toHaveLength(10);
    // JPEG decoders differ by a level here and there, which moves pixels at the threshold.
    for (const { id, dice, accuracy } of per_image) {
      expect(Math.abs(dice - scores.get(id)!.dice), id).toBeLessThan(0.01);
      expect(Math.abs(accuracy - scores.get(id)!.accuracy), id).toBeLessThan(0.002);
    }
  },
);

test('devices lists the adapter, and what auto makes of it', async () => {
  const { code, json } = await tmca('devices', '--json');
  expect(code).toBe(0);
  const { adapters, tuning, wasm, auto } = json as DevicesResult;
  expect(adapters.length).toBeGreaterThan(0);
  const software = adapters[0]!.software;
  expect(auto.device).toBe(software ? 'wasm' : 'webgpu');
  expect(auto.adapter).toBe(software ? wasm.description : adapters[0]!.description);
  expect(auto.reason).toContain(adapters[0]!.description);
  expect(tuning!.profile.name).toBe(profileOf(adapters[0]!).name);
  expect(tuning!.lanes > 0).toBe(software);
});
