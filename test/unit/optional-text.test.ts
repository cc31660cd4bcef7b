// A model whose sentence is optional: told nothing, it is told [CLS] and [SEP], on which it has been trained.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssembly, Preprocessor } from '../../assembly/index.js';
import { realEngine } from '../../cli/engine.js';
import { channelsFirst } from '../../graph/map-layout.js';
import { configToJson, parseConfig } from '../../networks/config.js';
import { evaluate, inspectForward } from '../../node/index.js';
import { type NodeSession, openSession } from '../../node/session.js';
import { Examples } from '../../train/batch/page-batch.js';
import { NOTHING, optionalConfig, optionalImage, writeOptionalModel } from '../optional-model.js';
import { expectClose, tolerance } from '../tolerance.js';
import { call } from './cli-fakes.js';

let folder: string;
let model: string;
let session: NodeSession;
const image = optionalImage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-optional-'));
  model = join(folder, 'model');
  await writeOptionalModel(model);
  session = await openSession(model, { device: 'wasm' });
});
afterAll(async () => {
  session.dispose();
  await rm(folder, { recursive: true });
});

/** The probabilities by the whole network, told these tokens. */
async function probabilities(ids: readonly number[]): Promise<Float32Array> {
  const preprocessor = new Preprocessor(await loadAssembly(), { size: 32, normalize: 'zscore' });
  const picture = channelsFirst({ shape: [1, 32, 32, 3], data: Float32Array.from(preprocessor.run(image)) });
  preprocessor.dispose();
  const tokens = { shape: [1, ids.length], data: ids };
  const mask = { shape: [1, ids.length], data: ids.map(() => 1) };
  const { outputs } = await inspectForward(model, { image: picture, ids: tokens, mask }, { device: 'wasm' });
  return Float32Array.from(outputs.logits!.data, logit => 1 / (1 + Math.exp(-logit)));
}

test('the configuration says so, and keeps it; a network that must be told says nothing else', () => {
  expect(parseConfig({}, 'test')).toMatchObject({ text: 'required' });
  expect(configToJson(optionalConfig)).toMatchObject({ text: 'optional' });
  expect(configToJson(parseConfig({ network: 'unet' }, 'test'))).toMatchObject({ text: 'none' });
  const wrong = [
    [{ text: 'none' }, 'required, optional'],
    [{ text: true }, 'required, optional'],
    [{ network: 'unet', text: 'optional' }, 'none'],
  ] as const;
  for (const [json, which] of wrong)
    expect(() => parseConfig(json, 'test')).toThrow(new RegExp(`text must be one of ${which}, got`));
});

describe('a session', () => {
  test('says so, and segments with a sentence and without', async () => {
    expect(session.info.model).toMatchObject({ name: 'small-optional', text: 'optional', maxTextLength: 16 });
    const { probability } = await session.segment(image);
    expectClose(probability, await probabilities(NOTHING), tolerance.f32);
    expect((await session.segment(image, null)).probability).toEqual(probability);
    const report = await session.encodeReport('one small polyp, left');
    const told = await session.segment(image, report);
    report.dispose();
    expectClose(told.probability, await probabilities([2, 4, 6, 7, 10, 8, 3]), tolerance.f32);
    expect(told.probability).not.toEqual(probability);
    // what was told before changes nothing
    expect((await session.segment(image)).probability).toEqual(probability);
  });

  test('an empty sentence is still none', async () => {
    await expect(session.encodeReport(' ')).rejects.toMatchObject({ code: 'TEXT_EMPTY' });
  });

  test('needs its vocabulary for nothing too, since special tokens are found by name', async () => {
    const bare = join(folder, 'bare');
    await writeOptionalModel(bare, { vocabulary: false });
    const other = await openSession(bare, { device: 'wasm' });
    await expect(other.segment(image)).rejects.toMatchObject({
      code: 'VOCABULARY_INVALID',
      message: expect.stringMatching(/^segment: the model folder must have a vocab\.txt/),
    });
    other.dispose();
  });
});

describe('commands', () => {
  const data = () => join(folder, 'data');
  beforeAll(async () => {
    const { width, height } = image;
    const raw = (channels: 1 | 3) => ({ raw: { width, height, channels } });
    await sharp(image.data, raw(3)).png().toFile(join(folder, 'a.png'));
    await writeOptionalModel(join(folder, 'told'), { text: 'required', name: 'small-told' });
    const { mkdir } = await import('node:fs/promises');
    await mkdir(data());
    await sharp(image.data, raw(3)).png().toFile(join(data(), 'a.png'));
    await sharp(new Uint8Array(width * height).fill(255), raw(1))
      .png()
      .toFile(join(data(), 'mask.png'));
    await writeFile(
      join(data(), 'dataset.json'),
      JSON.stringify({ name: 'One', records: [{ id: 'a', image: 'a.png', mask: 'mask.png', split: 'test' }] }),
    );
  });
  const on = (name: string) => ['--model', join(folder, name), '--device', 'wasm'];

  test('segment takes no --text where none is needed', async () => {
    const argv = ['segment', join(folder, 'a.png'), '--out', join(folder, 'out'), '--json'];
    const { code, json } = await call([...argv, ...on('model')], { engine: realEngine });
    expect([code, json]).toMatchObject([0, [{ width: 40, height: 36, device: 'wasm' }]]);
    const told = await call([...argv, ...on('told')], { engine: realEngine });
    expect([told.code, told.stderr]).toEqual([1, expect.stringMatching(/^error \[TEXT_REQUIRED\]: segment: /m)]);
  });

  test('evaluate --no-text asks no texts of the data, and says that there were none', async () => {
    const argv = ['evaluate', '--data', data(), '--no-text', '--json'];
    const { code, json } = await call([...argv, ...on('model')], { engine: realEngine });
    expect([code, json]).toMatchObject([0, { n: 1, text: null, model: 'small-optional' }]);
    expect(await evaluate({ data: data(), model, text: null, device: 'wasm' })).toEqual(json);
    const told = await call([...argv, ...on('told')], { engine: realEngine });
    expect([told.code, told.stderr]).toEqual([
      1,
      expect.stringMatching(/^error \[TEXT_REQUIRED\]: evaluate: the model small-told /m),
    ]);
    const without = await call(['evaluate', '--data', data(), ...on('model')], { engine: realEngine });
    expect([without.code, without.stderr]).toEqual([1, expect.stringMatching(/^error \[DATASET_INVALID\]/m)]);
  });
});

test('a page trains it with examples that have no text, and no other network', async () => {
  const assembly = await loadAssembly();
  const vocab = new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\npolyp\n');
  const mask = { data: new Uint8Array(40 * 36).fill(255), width: 40, height: 36, channels: 1 as const };
  const examples = new Examples(assembly, optionalConfig, vocab, 4);
  const { ids, mask: known } = examples.batch([
    { image, mask },
    { image, mask, text: 'polyp' },
  ]);
  expect([[...ids!], [...known!]]).toEqual([
    [2, 3, 0, 0, 2, 4, 3, 0],
    [1, 1, 0, 0, 1, 1, 1, 0],
  ]);
  examples.dispose();
  const told = new Examples(
    assembly,
    parseConfig({ ...configToJson(optionalConfig), text: 'required' }, 'test'),
    vocab,
    4,
  );
  expect(() => told.batch([{ image, mask }])).toThrow(/text 0 must say something/);
  told.dispose();
});
