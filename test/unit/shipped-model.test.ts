// The files that the package ships for its demo and its default: intact, halves throughout, and as good as their card says.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memorySource, openSafetensors, type SafetensorsTensor, toFloat32 } from '../../formats/safetensors/index.js';
import { openDataset } from '../../node/datasets/dataset.js';
import { evaluateDataset } from '../../node/datasets/evaluate-dataset.js';
import { openSession } from '../../node/index.js';
import { parseTrainConfig, resolveTrainConfig } from '../../train/config.js';

const kvasir = '../shared/data/kvasir-seg';

async function tensorsOf(path: string): Promise<Map<string, SafetensorsTensor>> {
  const file = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  const tensors = new Map<string, SafetensorsTensor>();
  for await (const tensor of file.tensors()) tensors.set(tensor.name, tensor);
  return tensors;
}

describe('models/nano', () => {
  const folder = 'models/nano';
  const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'));

  test('every file has the size and hash of its manifest', () => {
    expect(Object.keys(manifest.files).sort()).toEqual(['config.json', 'model.safetensors', 'vocab.txt']);
    for (const [name, { bytes, sha256 }] of Object.entries<{ bytes: number; sha256: string }>(manifest.files)) {
      const content = readFileSync(`${folder}/${name}`);
      expect(content.length, name).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex'), name).toBe(sha256);
    }
  });

  test('weights are finite halves, as the configuration says', async () => {
    expect(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'))).toMatchObject({
      dtype: 'fp16',
      name: 'nano-128',
    });
    const tensors = await tensorsOf(`${folder}/model.safetensors`);
    expect(tensors.size).toBe(278);
    for (const [name, tensor] of tensors) {
      expect(tensor.dtype, name).toBe('F16');
      expect(toFloat32(tensor).every(Number.isFinite), name).toBe(true);
    }
  });

  test('is a whole TMCA of at most 6 million parameters and 12 MB', async () => {
    const config = JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'));
    expect(config).toMatchObject({ levels: ['G', '32', '16', '8'], target_informed: true, enhance: true });
    const tensors = await tensorsOf(`${folder}/model.safetensors`);
    const sizes = [...tensors.values()].map(({ shape }) => shape.reduce((product, n) => product * n, 1));
    expect(sizes.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(6e6);
    expect(manifest.files['model.safetensors'].bytes).toBeLessThanOrEqual(12e6);
  });

  test('its card tells the settings of the preset that its commands name', async () => {
    const card = readFileSync(`${folder}/README.md`, 'utf8');
    expect(card).toMatch(
      /^tmca train --data kvasir-seg --out runs\/any --init runs\/nano --config nano-any --device torch/m,
    );
    const told = JSON.parse(/```json\n(.*?)\n```/s.exec(card)![1]!);
    const { seed, ...settings } = await resolveTrainConfig('nano-any');
    expect(parseTrainConfig({ ...told, seed }, 'the card')).toEqual({ ...settings, seed, model: null });
    expect(card).toContain(`seed ${seed}, bf16`);
  });

  test.runIf(existsSync(kvasir))(
    'scores what its card says on the 100 test images of Kvasir-SEG, told everything and nothing (skipped without ../shared)',
    async () => {
      const card = readFileSync(`${folder}/README.md`, 'utf8');
      const told = (name: string) => Number(new RegExp(`^\\| ${name} \\| ([\\d.]+) \\|`, 'm').exec(card)?.[1]);
      const row = (name: string) => Number(new RegExp(`^\\| ${name} \\| 100 \\| ([\\d.]+) \\|`, 'm').exec(card)?.[1]);
      const session = await openSession(folder, { device: 'wasm' });
      try {
        const dataset = await openDataset(kvasir, { split: 'test' });
        const evaluation = await evaluateDataset(session, dataset, { split: 'test' });
        expect(evaluation.dice).toBeCloseTo(told('all 100 images'), 3);
        expect(evaluation.dice).toBeGreaterThanOrEqual(0.82);
        const silent = await openDataset(kvasir, { split: 'test', text: null });
        const untold = await evaluateDataset(session, silent, { split: 'test', text: null });
        expect(untold.dice).toBeCloseTo(row('nothing, or the class word'), 3);
        expect(untold.dice).toBeGreaterThanOrEqual(0.7);
        expect(evaluation.dice).toBeGreaterThan(untold.dice);
      } finally {
        session.dispose();
      }
    },
    120_000,
  );
});

test('samples: at most four images, each with its sentence and attribution', () => {
  const samples: { file: string; text: string; id: string; attribution: string }[] = JSON.parse(
    readFileSync('samples/samples.json', 'utf8'),
  );
  expect(samples.map(sample => sample.file).sort()).toEqual(
    readdirSync('samples')
      .filter(name => name.endsWith('.jpg'))
      .sort(),
  );
  expect(samples.length).toBeLessThanOrEqual(4);
  for (const sample of samples) {
    expect(sample.text).toMatch(/polyp/);
    expect(sample.attribution).toContain('CC BY 4.0');
    expect(readFileSync(`samples/${sample.file}`).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  }
});
