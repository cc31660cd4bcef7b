// `tmca sweep` and `tmca ablate` with a training that says what it scored: options, progress, the files of the table.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../cli/engine.js';
import type { TrainOptions } from '../../train/run/options.js';
import { call, fakeEngine } from './cli-fakes.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-cli-study-'));
  const data = join(folder, 'data');
  await mkdir(data);
  const red = { create: { width: 8, height: 8, channels: 3, background: '#f00' } } as const;
  await sharp(red).png().toFile(join(data, 'red.png'));
  const records = ['train', 'val', 'test'].map(split => ({
    id: split,
    image: 'red.png',
    mask: 'red.png',
    split,
    text: 'red',
  }));
  await writeFile(join(data, 'dataset.json'), JSON.stringify({ name: 'Red', records }));
});
afterEach(() => rm(folder, { recursive: true }));

/** The fake of all commands, with a training whose score depends on the contrast and the seed. */
function studyEngine(asked: TrainOptions[] = []): Engine & { readonly calls: string[] } {
  const engine = fakeEngine();
  const train = async (options: TrainOptions) => {
    asked.push(options);
    const {
      model,
      seed,
      contrastive_weight: weight,
    } = options.config as {
      model: { levels: string[] };
      seed: number;
      contrastive_weight: number | null;
    };
    const dice = 0.5 + model.levels.length / 16 + (weight ?? 0) / 4 + seed / 64;
    await mkdir(options.out, { recursive: true });
    const line = {
      kind: 'epoch',
      step: 8,
      epoch: 1,
      val_dice: dice,
      val_iou: dice,
      val_mean_dice: dice,
      val_mean_iou: dice,
    };
    await writeFile(join(options.out, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
    options.onEvent?.({ kind: 'note', text: 'the fake trains nothing' });
    return { ...(await fakeEngine().train(options)), best: null };
  };
  return { ...engine, train };
}

const where = (...more: string[]) => [
  '--data',
  join(folder, 'data'),
  '--out',
  join(folder, 'out'),
  '--config',
  'nano',
  ...more,
];
const read = (name: string) => readFile(join(folder, 'out', name), 'utf8');

describe('sweep', () => {
  const grid = ['--grid', 'contrastive_weight=0.1,1', 'levels=[],["G"]'];

  test('ranks the rows, says what goes on, and leaves the table in three forms', async () => {
    const asked: TrainOptions[] = [];
    const engine = studyEngine(asked);
    const argv = ['sweep', ...where('--epochs', '3', '--seeds', '2'), ...grid];
    const { code, stdout, stderr } = await call(argv, { engine });
    expect([code, stderr.split('\n')[0]]).toEqual([0, 'run 1 of 8: contrastive_weight=0.1 levels=[], seed 1']);
    expect(stderr).toContain('contrastive_weight=1 levels=["G"], seed 2: validation dice 0.8438\n');
    // the first run's notes would only be repeated
    expect(stderr.match(/the fake trains nothing/g)).toHaveLength(1);
    expect(stdout.split('\n')[1]).toMatch(/^contrastive_weight=1 levels=\["G"\] +2 +0\.8359 ± 0\.0110/);
    expect(stdout).toContain('\nRed: trained on 1 records, validated on 1.\n');
    expect(stdout).toContain('The test split was not opened.');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(join(folder, 'out', 'table.html'));
    expect(asked.every(({ config }) => (config as { epochs: number }).epochs === 3)).toBe(true);
    expect(asked[0]!.command).toContain(`--grid contrastive_weight=0.1,1 'levels=[],["G"]'`);
    // no model was opened: a sweep scores what training has validated
    expect(engine.calls.filter(each => each.startsWith('open'))).toEqual([]);
    const rows = JSON.parse(await read('table.json')).rows as { name: string }[];
    expect(rows.length).toBe(4);
    expect(await read('table.md')).toContain('| contrastive\\_weight=1 levels=\\["G"\\] | 2 |');
    expect(await read('table.html')).toContain('<h1>Sweep</h1>');
    const again = await call([...argv, '--json'], { engine: studyEngine() });
    expect(again.stderr).toBe('8 runs are done already\n');
    expect((again.json as { rows: unknown }).rows).toEqual(rows);
  });

  test.each<[string[], number, RegExp]>([
    [[], 2, /required option '--grid <key=v1,v2...>' not specified/],
    [['--grid', 'lr'], 1, /FILE_NOT_FOUND.*--grid must name a JSON file/],
    [['--seeds', '0', ...grid], 2, /It must be a whole number of at least 1/],
    [['--grid', 'learning_rate=1'], 1, /CONFIG_INVALID.*a key must be one of .*got "learning_rate"/],
  ])('%j', async (argv, status, message) => {
    const { code, stderr } = await call(['sweep', ...where(...argv)], { engine: studyEngine() });
    expect(code).toBe(status);
    expect(stderr).toMatch(message);
  });
});

describe('ablate', () => {
  test('scores the test split in fp32 and puts the paper beside', async () => {
    const paper = join(folder, 'paper.json');
    await writeFile(paper, JSON.stringify({ baseline: { dice: 0.625 } }));
    const engine = studyEngine();
    const rows = ['--rows', 'baseline', 'TSDM+MCAS'];
    const { code, stdout, stderr } = await call(['ablate', ...where('--seeds', '1', '--paper', paper), ...rows], {
      engine,
    });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('baseline, seed 1: validation dice 0.5156, test dice 1.0000\n');
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/runs +test Dice +.*val Dice +test Dice over baseline +test Dice, paper$/);
    expect(lines[1]).toMatch(/^baseline +1 +1\.0000 .* 0\.5156 +– +0\.6250$/);
    expect(lines[2]).toMatch(/^TSDM\+MCAS +1 +1\.0000 .* 0\.7656 +\+0\.0000 +–$/);
    expect(engine.calls.filter(each => each.startsWith('open'))).toEqual([
      expect.stringMatching(/^open .*baseline-\w{8}\/seed-1 auto fp32$/),
      expect.stringMatching(/^open .*TSDM\+MCAS-\w{8}\/seed-1 auto fp32$/),
    ]);
    expect(await read('table.md')).toContain('## Ablation of the modules (Table 2)');
    expect(stdout).toContain('\nScores of the 1 records of the split "test" by the model of the best validation epoch');
  });

  test('Table 3 has its rows, three seeds each', async () => {
    const asked: TrainOptions[] = [];
    const { code, json } = await call(['ablate', '--table', '3', ...where('--json')], { engine: studyEngine(asked) });
    expect(code).toBe(0);
    const { rows } = json as { rows: { name: string; done: number }[] };
    expect(rows.map(({ name, done }) => [name, done])).toEqual(
      ['none', 'G', 'G+32', 'G+32+16', '32+16+8', 'G+32+16+8'].map(name => [name, 3]),
    );
    expect(new Set(asked.map(({ config }) => (config as { seed: number }).seed))).toEqual(new Set([1, 2, 3]));
  });

  test.each<[string[], number, RegExp]>([
    [['--table', '4'], 2, /Allowed choices are 2, 3/],
    [['--rows', 'everything'], 1, /BAD_ARGUMENT.*--rows must be of baseline, TSDM, .*got "everything"/],
    [['--paper', 'nowhere.json'], 1, /FILE_NOT_FOUND.*--paper must be JSON of .*got no file at nowhere.json/],
  ])('%j', async (argv, status, message) => {
    const { code, stderr } = await call(['ablate', ...where(...argv)], { engine: studyEngine() });
    expect(code).toBe(status);
    expect(stderr).toMatch(message);
  });
});
