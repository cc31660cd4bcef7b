// A session on a network that takes images alone: in wasm, with the parameters that golden.py's `fill` gives.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { Preprocessor, resizeNearest } from '../../assembly/preprocess.js';
import { encodeSafetensors, toFloat32 } from '../../formats/safetensors/index.js';
import { fillStream } from '../../formats/weights/name-seeded-parameters.js';
import { evaluate as interpret } from '../../graph/interpreter.js';
import { channelsLast } from '../../graph/map-layout.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { evaluate, inspectForward } from '../../node/index.js';
import { type NodeSession, openSession } from '../../node/session.js';
import { drawPictures } from '../../reports/run/pictures.js';
import { expectClose, tolerance } from '../tolerance.js';

const folder = mkdtempSync(join(tmpdir(), 'unet-'));
const json = { network: 'unet', name: 'small-unet', image_size: 16, channels: [4, 6, 8] };
const config = parseConfig(json, 'test');
const image = {
  data: Uint8Array.from({ length: 20 * 18 * 3 }, (_, i) => (i * 37) % 251),
  ...{ width: 20, height: 18, channels: 3 as const },
};

let session: NodeSession;
const parameters = new Map<string, Float32Array>();

beforeAll(async () => {
  const tensors = [];
  for await (const tensor of fillStream(Network.of(config).parameters).tensors()) {
    parameters.set(tensor.name, Float32Array.from(toFloat32(tensor)));
    tensors.push({ ...tensor, bytes: tensor.bytes.slice() });
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
  session = await openSession(folder, { device: 'wasm' });
});
afterAll(() => {
  session.dispose();
  rmSync(folder, { recursive: true });
});

describe('a network without a text', () => {
  test('says so, and gives the probabilities of its graph', async () => {
    expect(session.info.model).toMatchObject({ name: 'small-unet', text: 'none', maxTextLength: 0 });
    const { probability } = await session.segment(image);
    const preprocessor = new Preprocessor(await loadAssembly(), { size: 16, normalize: 'zscore', layout: 'nchw' });
    const data = Float32Array.from(preprocessor.run(image));
    preprocessor.dispose();
    const picture = channelsLast({ shape: [1, 3, 16, 16], data }).data;
    const { logits } = interpret(Network.of(config).logits(1, 0), {
      input: () => picture,
      parameter: name => parameters.get(name)!,
    });
    const expected = Float64Array.from(logits!.data, x => 1 / (1 + Math.exp(-x)));
    expectClose(probability, expected, tolerance.f32);
    expect((await session.segment(image, null)).probability).toEqual(probability);
  });

  test('is inspected without one, and refuses one', async () => {
    const data = Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(i));
    const picture = { shape: [1, 3, 16, 16], data };
    const { outputs } = await inspectForward(folder, { image: picture }, { device: 'wasm' });
    const expected = interpret(Network.of(config).logits(1, 0), {
      input: () => channelsLast(picture).data,
      parameter: name => parameters.get(name)!,
    });
    expectClose(outputs.logits!.data, expected.logits!.data, tolerance.f32);
    const ids = { shape: [1, 1], data: [1] };
    await expect(inspectForward(folder, { image: picture, ids }, { device: 'wasm' })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/^inspectForward: inputs must be image \[B,3,16,16\], got .* ids \[1,1\] and/),
    });
  });

  test('takes no sentence, by code and in words', async () => {
    await expect(session.encodeReport('polyp')).rejects.toMatchObject({
      code: 'TEXT_NOT_TAKEN',
      message:
        'encodeReport: a sentence needs a model that reads one, got small-unet, which takes images alone; leave the text out',
    });
    const other = await openSession('models/nano', { device: 'wasm' });
    const report = await other.encodeReport('polyp');
    await expect(session.segment(image, report)).rejects.toMatchObject({ code: 'TEXT_NOT_TAKEN' });
    other.dispose();
  });

  test('is drawn for a report without a sentence or maps', async () => {
    const files = mkdtempSync(join(tmpdir(), 'unet-pictures-'));
    try {
      const [at, mask] = [join(files, 'image.png'), join(files, 'mask.png')];
      const { width, height, channels } = image;
      await sharp(image.data, { raw: { width, height, channels } }).png().toFile(at);
      await sharp(new Uint8Array(width * height).fill(255), { raw: { width, height, channels: 1 } })
        .png()
        .toFile(mask);
      const record = { id: 'a', image: at, mask: [mask], split: 'test', text: '', marks: [] };
      const score = { id: 'a', dice: 1, iou: 1, accuracy: 1, target: 1 };
      const engine = { session, forward: () => Promise.reject(new Error('has no maps')) };
      const groups = await drawPictures(engine, config, [record], { Best: [score], Median: [], Worst: [] });
      expect(groups).toMatchObject([{ name: 'Best', pictures: [{ text: null, maps: [], width, height }] }]);
    } finally {
      rmSync(files, { recursive: true });
    }
  });

  test('is scored on a data set without sentences, and refuses one for all of it', async () => {
    const data = mkdtempSync(join(tmpdir(), 'unet-data-'));
    try {
      for (const part of ['images', 'masks']) mkdirSync(join(data, part));
      const { width, height, channels } = image;
      await sharp(image.data, { raw: { width, height, channels } })
        .png()
        .toFile(join(data, 'images', 'a.png'));
      const mask = Uint8Array.from({ length: width * height }, (_, i) => (i % width < 9 ? 255 : 0));
      await sharp(mask, { raw: { width, height, channels: 1 } })
        .png()
        .toFile(join(data, 'masks', 'a.png'));
      const asked = { data, model: folder, device: 'wasm' } as const;
      const { n, per_image, model, text } = await evaluate(asked);
      expect({ n, model, text }).toEqual({ n: 1, model: 'small-unet', text: undefined });
      const { probability, size } = await session.segment(image, null);
      const target = Array.from(resizeNearest(mask, width, height, size, size), m => m > 0);
      const both = target.filter((t, i) => t && probability[i]! >= 0.5).length;
      const areas = target.filter(Boolean).length + probability.filter(p => p >= 0.5).length;
      expect(per_image[0]!.dice).toBeCloseTo((2 * both) / areas, 6);
      await expect(evaluate({ ...asked, text: 'polyp' })).rejects.toMatchObject({ code: 'TEXT_NOT_TAKEN' });
      await expect(evaluate({ ...asked, model: 'models/nano' })).rejects.toMatchObject({
        code: 'DATASET_INVALID',
        message: expect.stringContaining('a data set without sentences must be given one for all its images'),
      });
    } finally {
      rmSync(data, { recursive: true });
    }
  });

  test('config.json names the network', () => {
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).network).toBe('unet');
    expect(() => parseConfig({ network: 'vnet' }, 'x')).toThrow(/network must be one of tmca, unet, got "vnet"/);
    expect(() => parseConfig({ ...json, image_size: 18 }, 'x')).toThrow(/image_size must be a multiple of 4/);
  });
});
