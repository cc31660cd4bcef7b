// Sweeps and ablations with a training that only says that it trained: what is run, what is not run again, and the table.

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { configToJson, defaultConfig, type NetworkConfig } from '../../networks/config.js';
import type { Evaluation } from '../../node/datasets/evaluate-dataset.js';
import { showSpread, tableMarkdown, tablePage, tableText } from '../../reports/study/study-table.js';
import { parseTrainConfig, resolveTrainConfig } from '../../train/config.js';
import type { TrainOptions, TrainResult } from '../../train/run/options.js';
import { ABLATIONS } from '../../train/study/ablations.js';
import { readGrid } from '../../train/study/grid.js';
import { applyPatch, completeSettings } from '../../train/study/settings.js';
import {
  type RowResults,
  runStudy,
  type ScoredRun,
  type StudyEvent,
  type StudyOptions,
} from '../../train/study/study.js';
import { ablationColumns, SWEEP_COLUMNS, spreadOf, tableOf } from '../../train/study/table.js';

const settings = completeSettings(await resolveTrainConfig('nano'));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-study-'));
});
afterEach(() => rm(folder, { recursive: true }));

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
    ['augment.flop.probability', /must be one of zoom, jitter, flip, got "flop"/],
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

/** Records of which the test split's files are missing: whoever opens them fails. */
async function dataset(texts = ['one', 'two', 'three']): Promise<string> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  await writeFile(join(data, 'file.png'), '');
  const files = { image: 'file.png', mask: 'file.png' };
  const records = [
    ...texts.map((text, i) => ({ id: `t${i}`, ...files, split: 'train', text })),
    { id: 'v', ...files, split: 'val', text: 'val' },
    { id: 'x', image: 'missing.png', mask: 'missing.png', split: 'test', text: 'test' },
  ];
  await writeFile(join(data, 'dataset.json'), JSON.stringify({ name: 'Few', records }));
  return data;
}

const adapter = { vendor: 'v', architecture: '', description: 'Test adapter', software: true, features: [] };

/** Says that it trained: the score is the learning rate plus a thousandth of the seed. */
function fakeTrain(onRun: (options: TrainOptions, count: number) => void = () => {}) {
  const calls: TrainOptions[] = [];
  const train = async (options: TrainOptions): Promise<TrainResult> => {
    calls.push(options);
    const { out, config, onEvent } = options;
    const { lr, seed } = config as { lr: number; seed: number };
    await mkdir(join(out, 'checkpoints'), { recursive: true });
    onRun(options, calls.length);
    onEvent?.({ kind: 'prepare' });
    const dice = Math.round(1000 * lr + seed) / 1000;
    const line = (epoch: number, d: number) =>
      `${JSON.stringify({ kind: 'epoch', step: epoch + 1, epoch, val_dice: d, val_iou: d / 2, val_mean_dice: d, val_mean_iou: d, seconds: 2 })}\n`;
    await writeFile(join(out, 'metrics.jsonl'), line(0, dice / 2) + line(1, dice) + line(2, dice / 4));
    const best = { step: 2, epoch: 1, score: dice };
    return { out, stopped: 'epochs', step: 3, last: null, best, seed, splits: {}, adapter };
  };
  return { train, calls };
}

const row = (lr: number) => ({ name: `lr=${lr}`, patch: { lr } });

async function study(more: Partial<StudyOptions> & Pick<StudyOptions, 'train'>): Promise<RowResults[]> {
  const data = await dataset();
  return runStudy({
    ...{ data, out: join(folder, 'out'), settings, rows: [row(0.1), row(0.2)], seeds: [1, 2] },
    ...{ score: null, package: 'tmca-edge@0.0.0', ...more },
  });
}

describe('runStudy', () => {
  test('trains every row with every seed, seed by seed, and never opens the test split', async () => {
    const { train, calls } = fakeTrain();
    const results = await study({ train, steps: 7 });
    expect(calls.map(({ config }) => [(config as { lr: number }).lr, (config as { seed: number }).seed])).toEqual([
      [0.1, 1],
      [0.2, 1],
      [0.1, 2],
      [0.2, 2],
    ]);
    for (const { resume, steps, config } of calls) {
      // a folder of its own, not gone on with
      expect([resume, steps]).toEqual([false, 7]);
      expect(() => parseTrainConfig(config, 'test')).not.toThrow();
    }
    expect(results.map(({ runs }) => runs.map(run => run!.validation!.dice))).toEqual([
      [0.101, 0.102],
      [0.201, 0.202],
    ]);
    expect(results[0]!.runs[0]).toMatchObject({ epoch: 2, step: 3, seconds: 6, adapter: 'Test adapter', test: null });
  });

  test('what is done is not run again; more rows and seeds are run', async () => {
    await study({ train: fakeTrain().train });
    const { train, calls } = fakeTrain();
    const events: StudyEvent[] = [];
    const results = await study({
      ...{ train, rows: [row(0.2), row(0.3)], seeds: [1, 2, 3] },
      onEvent: event => events.push(event),
    });
    expect(calls.map(({ config }) => [(config as { lr: number }).lr, (config as { seed: number }).seed])).toEqual([
      [0.3, 1],
      [0.3, 2],
      [0.2, 3],
      [0.3, 3],
    ]);
    expect(results.map(({ runs }) => runs.length)).toEqual([3, 3]);
    expect(events.filter(({ kind }) => kind === 'done').map(e => (e as { earlier: boolean }).earlier)).toEqual([
      ...[true, true],
      ...[false, false, false, false],
    ]);
  });

  test('one that was stopped goes on where it was, in the same folder', async () => {
    const stopped = fakeTrain((_, count) => {
      if (count === 2) throw new TmcaError('ABORTED', 'train: stopped');
    });
    await expect(study({ train: stopped.train })).rejects.toMatchObject({ code: 'ABORTED' });
    const { train, calls } = fakeTrain();
    await study({ train });
    expect(calls.length).toBe(3);
    expect(calls[0]!.out).toBe(stopped.calls[1]!.out);
    expect(calls[0]!.resume).toBe(true);
  });

  test.each<[string, Partial<StudyOptions>]>([
    ['other settings', { settings: { ...settings, batch: 8 } }],
    ['another number of steps', { steps: 9 }],
    ['skipped records', { skipBad: true }],
    ['a folder to start from', { init: 'somewhere' }],
  ])('%s are other runs', async (_, more) => {
    await study({ train: fakeTrain().train });
    const { train, calls } = fakeTrain();
    await study({ train, ...more });
    expect(calls.length).toBe(4);
  });

  test('other records are other runs, a result that is cut off is none', async () => {
    const first = fakeTrain();
    await study({ train: first.train });
    await writeFile(join(first.calls[0]!.out, 'result.json'), '{"key": ');
    const again = fakeTrain();
    await study({ train: again.train });
    expect(again.calls.map(({ out }) => out)).toEqual([first.calls[0]!.out]);
    const data = await dataset(['one', 'two', 'changed']);
    const { train, calls } = fakeTrain();
    await runStudy({
      data,
      out: join(folder, 'out'),
      settings,
      rows: [row(0.1)],
      seeds: [1],
      score: null,
      package: 'p',
      train,
    });
    expect(calls.length).toBe(1);
  });

  test('a run that diverges is recorded, not tried again, and the others go on', async () => {
    const fail = (options: TrainOptions) => {
      if ((options.config as { lr: number }).lr === 0.1) throw new TmcaError('MODEL_NOT_FINITE', 'the loss is NaN');
    };
    const results = await study({ train: fakeTrain(fail).train });
    expect(results.map(({ runs }) => runs.map(run => run!.diverged))).toEqual([
      ['the loss is NaN', 'the loss is NaN'],
      [null, null],
    ]);
    const { train, calls } = fakeTrain(fail);
    await study({ train });
    expect(calls).toEqual([]);
  });

  test('any other failure ends it, and leaves the others to be done', async () => {
    const fail = () => {
      throw new TmcaError('DEVICE_LOST', 'gone');
    };
    await expect(study({ train: fakeTrain(fail).train })).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  });

  test('scores with the text of the run, and again what was trained but not scored', async () => {
    const evaluation = { n: 2, dice: 0.5, iou: 0.4, accuracy: 0.9, mean_dice: 0.6, mean_iou: 0.5, without: {} };
    const scored: [string, object][] = [];
    const score = async ({ folder: run, reading }: ScoredRun) => {
      scored.push([run, reading]);
      return {
        ...evaluation,
        per_image: [],
        split: 'test',
        device: 'webgpu',
        dtype: 'fp32',
      } as unknown as Evaluation;
    };
    await study({ train: fakeTrain().train, rows: [row(0.1)], seeds: [1] });
    const { train, calls } = fakeTrain();
    const results = await study({ train, score, rows: [row(0.1)], seeds: [1] });
    expect(calls.length).toBe(1);
    expect(scored).toEqual([[calls[0]!.out, {}]]);
    expect(results[0]!.runs[0]!.test).toMatchObject({ ...evaluation, split: 'test' });
    const polyp = { name: 'polyp', patch: { text_override: 'polyp', prompt: 'p1' } };
    await study({ train, score, rows: [polyp], seeds: [1] });
    expect(scored[1]![1]).toEqual({ text: 'polyp', prompt: 'p1' });
  });

  test('a folder to start from keeps its parameters, and the rows choose what is made of them', async () => {
    const { train, calls } = fakeTrain();
    const network = { ...defaultConfig('tmca'), heads: 2, name: 'imported' };
    const own = completeSettings(await resolveTrainConfig('nano'), network);
    await study({ train, init: 'imported', settings: own, rows: [...ABLATIONS[2].slice(0, 1)], seeds: [1] });
    expect(calls[0]!.init).toBe('imported');
    expect(calls[0]!.network).toMatchObject({ name: 'imported', heads: 2, levels: [], enhance: false });
    await study({ train, rows: [row(0.3)], seeds: [1] });
    expect([calls[1]!.init, calls[1]!.network]).toEqual([undefined, undefined]);
  });

  test('keeps no optimiser of a run that is done', async () => {
    const { train, calls } = fakeTrain();
    await study({ train });
    for (const { out } of calls) await expect(stat(join(out, 'checkpoints'))).rejects.toThrow('ENOENT');
    expect((await readdir(calls[0]!.out)).sort()).toEqual(['metrics.jsonl', 'result.json']);
  });

  test.each<[string, Partial<StudyOptions>, string, RegExp]>([
    [
      'a row with a slip',
      { rows: [{ name: 'x', patch: { learning_rate: 1 } }] },
      'CONFIG_INVALID',
      /got "learning_rate"/,
    ],
    [
      'a value out of range',
      { rows: [{ name: 'x', patch: { lr: -1 } }] },
      'CONFIG_INVALID',
      /row "x": lr must be a number/,
    ],
    ['no seed', { seeds: [] }, 'BAD_ARGUMENT', /seeds must be .*got none/],
    ['a seed twice', { seeds: [1, 1] }, 'BAD_ARGUMENT', /each once, got 1, 1/],
    [
      'rows of one name',
      { rows: [row(0.1), row(0.1)] },
      'BAD_ARGUMENT',
      /rows must have names of their own, got lr=0.1, lr=0.1/,
    ],
  ])('%s is refused before the first run', async (_, more, code, message) => {
    const { train, calls } = fakeTrain();
    await expect(study({ train, ...more })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(calls).toEqual([]);
  });

  test('a folder of a study of other data is refused', async () => {
    await study({ train: fakeTrain().train });
    const path = join(folder, 'out', 'study.json');
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), data: '/elsewhere' }));
    await expect(study({ train: fakeTrain().train })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/a study must keep its data set, got .* has "\/elsewhere"; name another --out/),
    });
  });
});

describe('tables', () => {
  test('mean and sample deviation', () => {
    expect(spreadOf([])).toBeNull();
    expect(spreadOf([0.5])).toEqual({ mean: 0.5, deviation: null, values: [0.5] });
    expect(spreadOf([0.25, 0.5, 0.75])).toEqual({ mean: 0.5, deviation: 0.25, values: [0.25, 0.5, 0.75] });
    expect([null, spreadOf([0.5]), spreadOf([0.25, 0.75])].map(each => showSpread(each, 4))).toEqual([
      ...['–', '0.5000', '0.5000 ± 0.3536'],
    ]);
  });

  const sweepTable = async (more: Partial<StudyOptions> = {}) => {
    const results = await study({ train: fakeTrain().train, ...more });
    return tableOf(results, { title: 'Sweep', notes: ['A note.'], columns: SWEEP_COLUMNS, sorted: true });
  };

  test('a sweep is sorted by its mean on validation', async () => {
    const { rows, notes } = await sweepTable();
    expect(rows.map(({ name }) => name)).toEqual(['lr=0.2', 'lr=0.1']);
    expect(rows[0]).toMatchObject({ done: 2, of: 2, diverged: 0, paper: null });
    expect(rows[0]!.cells.val_dice!.mean).toBeCloseTo(0.2015, 12);
    expect(rows[0]!.cells.epoch!.mean).toBe(2);
    expect(notes).toEqual(['A note.', 'adapter: Test adapter.', 'version: tmca-edge@0.0.0.']);
  });

  test('runs of different machines or versions are said to be', async () => {
    const results = await study({ train: fakeTrain().train });
    const [first, ...others] = results;
    const [run, ...more] = first!.runs;
    const mixed = [{ ...first!, runs: [{ ...run!, adapter: 'Another' }, ...more] }, ...others];
    const { notes } = tableOf(mixed, { title: '', notes: [], columns: SWEEP_COLUMNS, sorted: true });
    expect(notes[0]).toBe('Runs of different adapters: Another; Test adapter.');
  });

  test('runs that are missing or diverged are counted, and a row without any has no figure', () => {
    const runs = [null, { diverged: 'NaN', validation: null, epoch: null, test: null } as never];
    const table = tableOf([{ name: 'a|b', patch: {}, runs }], {
      title: 'T',
      notes: [],
      columns: SWEEP_COLUMNS,
      sorted: true,
    });
    expect(table.rows[0]).toMatchObject({ done: 1, of: 2, diverged: 1, cells: { val_dice: null } });
    expect(tableMarkdown(table)).toContain('| a\\|b | 1 of 2, 1 diverged | – | – | – | – |');
  });

  test('an ablation keeps its order and shows what the data set marks and the paper says', () => {
    const result = (dice: number) =>
      ({
        diverged: null,
        validation: { dice },
        epoch: 1,
        adapter: null,
        package: 'p',
        test: { dice, iou: dice, mean_dice: dice, without: { blurred: { dice: dice / 2 } } },
      }) as never;
    const rows = [
      { name: 'baseline', patch: {}, runs: [result(0.5), result(0.75)] },
      { name: 'all', patch: {}, runs: [result(1), result(1)] },
    ];
    const paper = { baseline: { dice: 0.625 } };
    const options = { title: 'Ablation', notes: [], columns: ablationColumns(['blurred']), sorted: false, paper };
    const text = tableMarkdown(tableOf(rows, options));
    expect(text).toContain(
      '|  | runs | test Dice | test IoU | test Dice, mean of images | test Dice without blurred | val Dice | test Dice over baseline | test Dice, paper |',
    );
    expect(text).toContain(
      '| baseline | 2 | 0.6250 ± 0.1768 | 0.6250 ± 0.1768 | 0.6250 ± 0.1768 | 0.3125 ± 0.0884 | 0.6250 ± 0.1768 | – | 0.6250 |',
    );
    expect(text.indexOf('| baseline')).toBeLessThan(text.indexOf('| all'));
    expect(text).toContain('| all | 2 | 1.0000 ± 0.0000 |');
    // 0.5 and 0.25 more, seed by seed
    expect(text).toContain('| +0.3750 ± 0.1768 | – |');
  });

  test('differences are taken between runs of one seed, and only of those', () => {
    const result = (dice: number) =>
      ({ diverged: null, validation: { dice }, epoch: 1, adapter: null, package: 'p', test: null }) as never;
    const rows = [
      { name: 'a', patch: {}, runs: [result(0.5), null, result(0.25)] },
      { name: 'b', patch: {}, runs: [result(0.75), result(0.9), null] },
      { name: 'c', patch: {}, runs: [null, result(0.9), null] },
    ];
    const table = tableOf(rows, { title: '', notes: [], columns: SWEEP_COLUMNS, sorted: false });
    expect(table.rows.map(({ gain }) => gain)).toEqual([null, { mean: 0.25, deviation: null, values: [0.25] }, null]);
    expect(
      tableOf(rows, { title: '', notes: [], columns: SWEEP_COLUMNS, sorted: true }).rows.every(r => r.gain === null),
    ).toBe(true);
  });

  test('for a terminal, columns are aligned', async () => {
    const lines = tableText(await sweepTable());
    expect(lines[0]).toMatch(/^ +runs +val Dice +val IoU +val Dice, mean of images +best epoch$/);
    expect(lines[1]).toMatch(/^lr=0.2 +2 +0.2015 ± 0.0007 .* 2.0 ± 0.0$/);
    expect(new Set(lines.slice(0, 3).map(line => line.length)).size).toBe(1);
  });

  test('the page shows each run and lets nothing out of its place', async () => {
    const evil = '<script>alert(1)</script>';
    const text = tablePage(await sweepTable({ rows: [{ name: evil, patch: { lr: 0.1 } }, row(0.2)] }), settings);
    expect(text).not.toContain(evil);
    expect(text).toContain('&lt;script&gt;');
    expect([...text.matchAll(/<circle /g)].length).toBe(4);
    expect(text).toMatch(/<tr class="best"><th>lr=0.2/);
    // what the rows share, and how it differs from the defaults
    expect(text).toMatch(/<dt>batch<\/dt><dd class="set">16<\/dd>/);
  });
});
