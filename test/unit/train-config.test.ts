// Training configurations: defaults, presets, and every value that is refused.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelFiles } from '../../formats/model-folder/index.js';
import { defaultConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { PRESETS } from '../../networks/presets.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { parameterRules, parseTrainConfig, resolveTrainConfig, trainConfigToJson } from '../../train/config.js';
import { parameterSettings } from '../../train/schedule.js';

const defaults = parseTrainConfig({}, 'test');

test('the defaults are the paper and its predecessor', () => {
  expect(defaults).toEqual({
    epochs: 100,
    batch: 32,
    microBatch: 0,
    recompute: 'auto',
    lr: 3e-4,
    minLr: 1e-6,
    warmupSteps: 0,
    weightDecay: 0.01,
    clip: 0,
    ema: 0,
    augment: {
      zoom: { probability: 0.1, min: 0.95, max: 1.2 },
      jitter: { probability: 0, brightness: 0, contrast: 0, saturation: 0 },
      flip: { probability: 0 },
      text: { none: 0, bare: 0, part: 0, wrong: 0, paraphrase: 0, synonyms: 0, typos: 0 },
    },
    textOverride: null,
    prompt: null,
    category: null,
    vocab: null,
    seed: 0,
    freeze: null,
    thaw: [],
    lrScale: {},
    contrastiveWeight: null,
    contrastiveWarmupSteps: 0,
    patience: 20,
    minEpochs: 20,
    checkpointSteps: 0,
    model: null,
  });
});

test('keys are those of a file, and go there and back', () => {
  const json = {
    lr: 0.01,
    min_lr: 0,
    warmup_steps: 7,
    augment: { flip: { probability: 0.5 } },
    lr_scale: { image_encoder: 0.1 },
    contrastive_weight: 0.5,
    contrastive_warmup_steps: 9,
    checkpoint_steps: 100,
    text_override: 'polyp',
    prompt: 'p1',
    category: 'polyp',
  };
  const config = parseTrainConfig(json, 'test');
  expect(config).toMatchObject({ minLr: 0, warmupSteps: 7, contrastiveWeight: 0.5, contrastiveWarmupSteps: 9 });
  // a part of the augmentation that is not named is off, not the default's
  expect(config.augment).toMatchObject({ zoom: { probability: 0 }, flip: { probability: 0.5 } });
  for (const c of [config, defaults]) {
    expect(parseTrainConfig(JSON.parse(JSON.stringify(trainConfigToJson(c))), 'again')).toEqual(c);
  }
});

test('the command line is over the file, and checked like it', () => {
  expect(parseTrainConfig({ epochs: 3, seed: 1 }, 'test', { epochs: 5, lr: 0.1 })).toMatchObject({
    epochs: 5,
    seed: 1,
    lr: 0.1,
  });
  expect(() => parseTrainConfig({ batch: 8 }, 'test', { microBatch: 3 })).toThrow(
    /micro_batch must divide batch, got 3 and 8; correct it/,
  );
  expect(parseTrainConfig({ batch: 8 }, 'test', { microBatch: 4 }).microBatch).toBe(4);
  expect(() => parseTrainConfig({}, 'test', { batch: 0 })).toThrow(/batch must be an integer from 1 to 65536, got 0/);
});

describe('refused', () => {
  test.each<[object, RegExp]>([
    [
      { learning_rate: 1 },
      /keys must be of epochs, batch, micro_batch, recompute, lr, .*model, got "learning_rate"; correct it$/,
    ],
    [{ epochs: 0 }, /epochs must be an integer from 1 to/],
    [{ epochs: 1.5 }, /epochs must be .*, got 1\.5/],
    [{ lr: '3e-4' }, /lr must be a number from 0 to 10, got "3e-4"/],
    [{ lr: 1e-4, min_lr: 1e-3 }, /min_lr must be at most lr, got 0\.001 and 0\.0001/],
    [{ ema: 1 }, /ema must be a number from 0 to below 1, got 1/],
    [{ clip: -1 }, /clip must be a number from 0/],
    [{ weight_decay: null }, /weight_decay must be .*, got null/],
    [{ freeze: 'text_encoder' }, /freeze must be null or a list of beginnings/],
    [{ freeze: ['a', 'a'] }, /freeze must be null or a list .* each once/],
    [{ thaw: ['decoder'] }, /thaw must name a part of what freeze names, got "decoder" and \["text_encoder"\]/],
    [{ thaw: ['text_encoder'] }, /thaw must name a part/],
    [{ lr_scale: { a: -1 } }, /lr_scale must be an object/],
    [{ contrastive_weight: -1 }, /contrastive_weight must be null or a number/],
    [{ augment: { zoom: { probability: 2, min: 1, max: 1 } } }, /augment must be \{"zoom"/],
    [{ augment: { zoom: { probability: 1, min: 1.2, max: 1 } } }, /augment must be/],
    [{ augment: { rotate: {} } }, /augment must be/],
    [{ augment: { text: { bare: 0.6, none: 0.5 } } }, /augment must be .*none \+ bare \+ part \+ wrong <= 1/],
    [{ augment: { text: { drop: 0.5 } } }, /augment must be/],
    [{ prompt: '' }, /prompt must be null or the name of a data set's prompt, got ""/],
    [{ text_override: ' ' }, /text_override must be null or a text that is not empty, got " "/],
    [{ seed: -1 }, /seed must be an integer from 0/],
    [{ model: { image_size: 100 } }, /test: model: image_size must be a multiple of 32/],
    [{ model: [] }, /a configuration must be a JSON object, got \[\]/],
    [[], /a configuration must be a JSON object, got \[\]/],
  ])('%j', (json, message) => {
    const code = 'CONFIG_INVALID';
    const error = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => parseTrainConfig(json, 'test')).toThrow(error);
  });

  test('every broken key is named at once', () => {
    expect(() => parseTrainConfig({ epochs: 0, batch: 0, x: 1 }, 'test')).toThrow(/got "x"; epochs must.*; batch must/);
  });
});

describe('--config', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tmca-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('nothing: the defaults; a preset by its name', async () => {
    expect(await resolveTrainConfig(undefined, { seed: 3 })).toEqual({ ...defaults, seed: 3 });
    const full = await resolveTrainConfig('full');
    expect(full).toEqual({ ...defaults, model: full.model });
    expect(full.model).toMatchObject({ imageSize: 224, dims: [96, 192, 384, 768], textLayers: 12 });
    expect((await resolveTrainConfig('nano', { epochs: 2 })).epochs).toBe(2);
  });

  test('nano-any is the network that ships, under the name of the one that it began as', async () => {
    const { config } = await readModelFiles('models/nano', nodeIo);
    const { model } = await resolveTrainConfig('nano-any');
    const { version, name } = model!;
    expect(model).toEqual({ ...config, version, name, dtype: 'fp32' });
  });

  test('a file, with a byte order mark or without', async () => {
    const path = join(folder, 'train.json');
    for (const mark of ['', '\uFEFF']) {
      await writeFile(path, `${mark}{"epochs": 4}`);
      expect(await resolveTrainConfig(path)).toEqual({ ...defaults, epochs: 4 });
    }
    await writeFile(path, '{"epochs": 4');
    await expect(resolveTrainConfig(path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/a JSON file, got no JSON .* at .*train\.json; check the path and the file/),
    });
  });

  test.each<[string, string, RegExp]>([
    [
      'nowhere.json',
      'FILE_NOT_FOUND',
      /must name full or nano or nano-any or unet-nano or a JSON file, got no file at nowhere\.json; check/,
    ],
    ['toString', 'FILE_NOT_FOUND', /got no file at/],
    ['train', 'FILE_UNREADABLE', /got a folder at train/],
  ])('no such thing as %s', async (name, code, message) => {
    await expect(resolveTrainConfig(name)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('parameter rules', () => {
  test.each(Object.keys(PRESETS))('those of preset %s fit its network', async name => {
    const config = await resolveTrainConfig(name);
    const names = [...Network.of(config.model!).parameters.keys()];
    const settings = parameterSettings(names, parameterRules(config.model ?? defaultConfig('tmca'), config));
    const frozen = names.filter(each => settings.get(each)!.frozen);
    const text = names.filter(each => each.startsWith('text_encoder.'));
    expect(text.length > 40).toBe(config.model!.network === 'tmca');
    expect(frozen).toEqual(name === 'full' ? text : []);
  });

  test('freeze, thaw and rates of one prefix are one rule', () => {
    const config = parseTrainConfig({ freeze: ['a', 'b'], thaw: ['a.x'], lr_scale: { 'a.x': 0.1, c: 2 } }, 'test');
    expect(parameterRules(defaultConfig('tmca'), config)).toEqual([
      { prefix: 'a', frozen: true },
      { prefix: 'b', frozen: true },
      { prefix: 'a.x', frozen: false, lrScale: 0.1 },
      { prefix: 'c', lrScale: 2 },
    ]);
  });
});
