// Studies: which runs are made, which are not made again, and what becomes of one that fails.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { defaultConfig } from '../../networks/config.js';
import type { Evaluation } from '../../node/datasets/evaluate-dataset.js';
import { parseTrainConfig, resolveTrainConfig } from '../../train/config.js';
import type { TrainOptions } from '../../train/run/options.js';
import { ABLATIONS } from '../../train/study/ablations.js';
import { completeSettings } from '../../train/study/settings.js';
import { runStudy, type ScoredRun, type StudyEvent, type StudyOptions } from '../../train/study/study.js';
import { dataset, fakeTrain, folder, row, settings, study } from './study-fakes.js';

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
