// Grids, settings and the rows of ablations, before anything is trained.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configToJson, defaultConfig, type NetworkConfig } from '../../networks/config.js';
import { parseTrainConfig, resolveTrainConfig } from '../../train/config.js';
import { ABLATIONS } from '../../train/study/ablations.js';
import { readGrid } from '../../train/study/grid.js';
import { applyPatch, completeSettings } from '../../train/study/settings.js';
import { folder, settings } from './study-fakes.js';

describe('grids', () => {
  test('all combinations, values as JSON or text, commas in lists kept', async () => {
    const rows = await readGrid(['tau_enhance=1,4', 'levels=["G","32"],[]', 'ltem_apply=residual']);
    expect(rows).toEqual([
      {
        name: 'tau_enhance=1 levels=["G","32"] ltem_apply=residual',
        patch: { tau_enhance: 1, levels: ['G', '32'], ltem_apply: 'residual' },
      },
      {
        name: 'tau_enhance=1 levels=[] ltem_apply=residual',
        patch: { tau_enhance: 1, levels: [], ltem_apply: 'residual' },
      },
      {
        name: 'tau_enhance=4 levels=["G","32"] ltem_apply=residual',
        patch: { tau_enhance: 4, levels: ['G', '32'], ltem_apply: 'residual' },
      },
      {
        name: 'tau_enhance=4 levels=[] ltem_apply=residual',
        patch: { tau_enhance: 4, levels: [], ltem_apply: 'residual' },
      },
    ]);
  });

  test('a file of a grid, and one of a list with names', async () => {
    const path = join(folder, 'grid.json');
    await writeFile(path, '\ufeff{"lr": [0.1, 0.2]}');
    expect((await readGrid([path])).map(({ patch }) => patch)).toEqual([{ lr: 0.1 }, { lr: 0.2 }]);
    await writeFile(path, '[{"name": "as published"}, {"lr": 1, "batch": 4}, {}]');
    expect(await readGrid([path])).toEqual([
      { name: 'as published', patch: {} },
      { name: 'lr=1 batch=4', patch: { lr: 1, batch: 4 } },
      { name: 'as it is', patch: {} },
    ]);
  });

  test.each<[string[], string, RegExp]>([
    [['lr'], 'FILE_NOT_FOUND', /--grid must name a JSON file, or be KEY=V1,V2, got no file at lr/],
    [['lr=1', '=2'], 'BAD_ARGUMENT', /--grid must be one file, or KEY=V1,V2 with each key once, got "=2"/],
    [['lr=1', 'lr=2'], 'BAD_ARGUMENT', /each key once, got "lr=2"/],
    [['lr=1,1'], 'CONFIG_INVALID', /every row must have a name of its own, got "lr=1" twice/],
    [
      ['a', 'b', 'c'].map(key => `${key}=${Array.from({ length: 30 }, (_, i) => i)}`),
      'BAD_ARGUMENT',
      /a grid may have 10000 rows, got more with "c"/,
    ],
  ])('%j is refused', async (args, code, message) => {
    await expect(readGrid(args)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each([
    ['{"lr": 1}', /must be \{"key": \[values\]\} or \[\{"key": value\}\], got 1/],
    ['{"lr": []}', /got \[\]/],
    ['[1]', /got 1/],
    ['[]', /there must be a row at least/],
    ['{', /got no JSON/],
  ])('a file of %s is refused', async (text, message) => {
    const path = join(folder, 'grid.json');
    await writeFile(path, text);
    await expect(readGrid([path])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

const tmca = ({ model }: ReturnType<typeof parseTrainConfig>) => model as NetworkConfig<'tmca'>;

describe('settings', () => {
  test.each<[string, unknown, (c: ReturnType<typeof parseTrainConfig>) => unknown]>([
    // what the reference leaves open
    ['tau_target', 0.2, c => tmca(c).tauTarget],
    ['tau_similarity', 0.3, c => tmca(c).tauSimilarity],
    ['tau_enhance', 2, c => tmca(c).tauEnhance],
    ['ltem_normalize', 'softmax', c => tmca(c).ltemNormalize],
    ['ltem_apply', 'residual', c => tmca(c).ltemApply],
    ['heads', 2, c => tmca(c).heads],
    ['head_channels', 12, c => tmca(c).headChannels],
    ['levels', ['G'], c => tmca(c).levels],
    ['contrastive_weight', 0.1, c => c.contrastiveWeight],
    ['contrastive_warmup_steps', 100, c => c.contrastiveWarmupSteps],
    ['batch', 8, c => c.batch],
    ['freeze', ['text_encoder'], c => c.freeze],
    // a part of a setting, the network's own where training has the same, names with dots
    ['augment.flip.probability', 0.25, c => c.augment.flip.probability],
    ['model.contrastive_weight', 0.5, c => tmca(c).contrastiveWeight],
    ['lr_scale.image_encoder.encoder', 0.1, c => c.lrScale['image_encoder.encoder']],
  ])('%s', (key, value, read) => {
    const before = parseTrainConfig(settings, 'test');
    const after = parseTrainConfig(applyPatch(settings, { [key]: value }), 'test');
    expect(read(after)).toEqual(value);
    expect(read(before)).not.toEqual(value);
    expect(applyPatch(applyPatch(settings, { [key]: value }), { [key]: value })).toEqual(
      applyPatch(settings, { [key]: value }),
    );
  });

  test.each([
    ['learning_rate', /a key must be one of epochs, .*model, got "learning_rate"/],
    ['model.tau_enhanse', /got "tau_enhanse" in "model.tau_enhanse"/],
    ['augment.flop.probability', /must be one of zoom, jitter, flip, text, got "flop"/],
    ['lr.x', /lr must have parts, got "lr.x"/],
  ])('%s is refused', (key, message) => {
    expect(() => applyPatch(settings, { [key]: 1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test('without a network, settings are those of the default one', async () => {
    const complete = completeSettings(await resolveTrainConfig(undefined));
    expect(complete.model).toEqual(configToJson(defaultConfig('tmca')));
  });
});

describe('ablations', () => {
  test.each([2, 3] as const)('rows of Table %i are configurations, each its own', number => {
    const networks = ABLATIONS[number].map(({ patch }) => {
      const model = tmca(parseTrainConfig(applyPatch(settings, patch), 'test'));
      return JSON.stringify([model.levels, model.levels.length > 0 && model.targetInformed, model.enhance]);
    });
    expect(new Set(networks).size).toBe(ABLATIONS[number].length);
  });

  test('the baseline has neither alignment nor enhancement, the last row has all', () => {
    const networkOf = (row: { patch: Readonly<Record<string, unknown>> }) =>
      parseTrainConfig(applyPatch(settings, row.patch), 'test').model!;
    expect(networkOf(ABLATIONS[2][0])).toMatchObject({ levels: [], targetInformed: false, enhance: false });
    for (const row of [ABLATIONS[2][7], ABLATIONS[3].at(-1)!]) {
      expect(networkOf(row)).toMatchObject({ levels: ['G', '32', '16', '8'], targetInformed: true, enhance: true });
    }
  });
});
