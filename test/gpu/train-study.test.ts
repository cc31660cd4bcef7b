// A sweep, an ablation and a report with real training: the smallest network, a few steps.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, realEngine } from '../../cli/engine.js';
import type { TrainEvent } from '../../train/events.js';
import { readMetrics, readRunInfo } from '../../train/run-files/index.js';
import { tinyConfig, writeTrainSet } from '../train-set.js';
import { call, type Outcome } from '../unit/cli-fakes.js';
import { type Bundle, bundle } from '../unit/train-bundle.js';

let folder: string;
let worker: Bundle;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-study-'));
  await writeTrainSet(join(folder, 'data'), { train: 6, val: 3, test: 3 });
  await writeFile(join(folder, 'tiny.json'), JSON.stringify(tinyConfig(join(folder, 'data', 'vocab.txt'))));
  worker = await bundle({ 'decode-worker': 'train/data/decode-worker.ts' });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await worker.remove();
});

/** The real one, with its events seen. */
const engine = (onEvent: (event: TrainEvent) => void = () => {}): Engine => ({
  ...realEngine,
  train: options =>
    realEngine.train({
      ...options,
      workerScript: worker.url('decode-worker'),
      onEvent: event => {
        options.onEvent?.(event);
        onEvent(event);
      },
    }),
});

const shared = (out: string, data = 'data') => [
  ...['--data', join(folder, data), '--out', join(folder, out), '--config', join(folder, 'tiny.json')],
  ...['--device', 'webgpu', '--steps', '4', '--seeds', '1', '--json'],
];

describe('sweep', () => {
  const sweep = (out: string, data = 'data') => [
    ...['sweep', ...shared(out, data)],
    ...['--grid', 'ltem_apply=multiply,residual'],
  ];
  const starts = (events: readonly TrainEvent[]) => events.filter(({ kind }) => kind === 'start').length;

  const events: TrainEvent[] = [];
  let first: Outcome;
  // the data of the other tests, but for the test split, whose pictures nobody can open
  beforeAll(async () => {
    await writeTrainSet(join(folder, 'sealed'), { train: 6, val: 3, test: 3 });
    for (const name of await readdir(join(folder, 'sealed'))) {
      if (name.startsWith('test-')) await writeFile(join(folder, 'sealed', name), 'whoever opens this fails');
    }
    first = await call(sweep('sealed-out', 'sealed'), { engine: engine(event => events.push(event)) });
  });

  test('compares on validation, where no test picture can be opened, and does nothing twice', async () => {
    expect(first.code, first.stderr).toBe(0);
    expect(starts(events)).toBe(2);
    const { rows } = first.json as { rows: { name: string; cells: { val_dice: { mean: number } } }[] };
    expect(rows.map(({ name }) => name).sort()).toEqual(['ltem_apply=multiply', 'ltem_apply=residual']);
    const [best, other] = rows.map(({ cells }) => cells.val_dice.mean);
    expect(best).toBeGreaterThan(other!);
    expect(events.flatMap(event => (event.kind === 'data' ? event.split : [])).includes('test')).toBe(false);
    // the row's settings are those of the model, its score that of its metrics
    for (const name of await readdir(join(folder, 'sealed-out', 'runs'))) {
      const run = join(folder, 'sealed-out', 'runs', name, 'seed-1');
      const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8'));
      const row = rows.find(each => each.name === `ltem_apply=${config.ltem_apply}`)!;
      const scores = (await readMetrics(join(run, 'metrics.jsonl'))).flatMap(line => line.val_dice ?? []);
      expect(row.cells.val_dice.mean).toBe(Math.max(...(scores as number[])));
      expect((await readRunInfo(run))!.command).toContain('tmca sweep');
    }
    const second = await call(sweep('sealed-out', 'sealed'), { engine: engine(event => events.push(event)) });
    expect(second.json).toEqual(first.json);
    expect(second.stderr).toContain('2 runs are done already');
    expect(starts(events)).toBe(2);
  });

  test('stopped within a run, it goes on and ends as if it had not been', async () => {
    const stop = new AbortController();
    const steps: number[] = [];
    const stopping = engine(event => {
      if (event.kind === 'step' && steps.push(event.line.step) === 6) stop.abort();
    });
    expect((await call(sweep('parts'), { engine: stopping, signal: stop.signal })).code).toBe(130);
    const rest: TrainEvent[] = [];
    const parts = await call(sweep('parts'), { engine: engine(event => rest.push(event)) });
    expect(parts.json).toEqual(first.json);
    // four steps of the first run and two of the second were taken before
    expect(rest.flatMap(event => (event.kind === 'step' ? event.line.step : []))).toEqual([3, 4]);
  });
});

describe('ablate and report', () => {
  test('the test scores are those of evaluate, the report shows the maps of LTEM', async () => {
    const argv = ['ablate', ...shared('ablation'), '--rows', 'baseline', 'TSDM+MCAS+LTEM'];
    const { code, json, stderr } = await call(argv, { engine: engine() });
    expect(code, stderr).toBe(0);
    const { rows } = json as { rows: { name: string; cells: Record<string, { mean: number }> }[] };
    expect(rows.map(({ name }) => name)).toEqual(['baseline', 'TSDM+MCAS+LTEM']);
    const runs = join(folder, 'ablation', 'runs');
    const name = (await readdir(runs)).find(each => each.startsWith('TSDM+MCAS+LTEM-'))!;
    const run = join(runs, name, 'seed-1');
    const where = ['--device', 'webgpu', '--dtype', 'fp32'];
    const evaluated = await call(['evaluate', '--data', join(folder, 'data'), '--model', run, ...where, '--json'], {
      engine: engine(),
    });
    const { dice, mean_dice } = evaluated.json as { dice: number; mean_dice: number };
    expect([rows[1]!.cells.dice!.mean, rows[1]!.cells.mean_dice!.mean]).toEqual([dice, mean_dice]);
    const reported = await call(['report', run, ...where], { engine: engine() });
    expect(reported.code, reported.stderr).toBe(0);
    const page = await readFile(join(run, 'report.html'), 'utf8');
    // three pictures (best, median and worst of three records), three levels each
    expect([...page.matchAll(/aria-label="LTEM at stride (\d+)"/g)].map(([, stride]) => stride)).toEqual([
      ...['32', '16', '8', '32', '16', '8', '32', '16', '8'],
    ]);
    expect([...page.matchAll(/href="data:image\/png;base64,/g)].length).toBe(9);
    expect([...page.matchAll(/href="data:image\/jpeg;base64,/g)].length).toBe(3);
  });
});
