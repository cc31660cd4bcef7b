// Many runs of one recipe: rows of settings, each with every seed. Sweeps and ablations are this with different rows and
// different scores.
//
//     study.json                          what is compared, on which data
//     runs/ROW-HASH/seed-N/               a run's folder, and its result.json once it is done
//     table.json, table.md, table.html    over the runs that are done, written anew after each
//
// A run is known by a hash of all that decides its numbers: settings, seed, records, the folder started from. So the command
// can be stopped and given again, with more rows or more seeds too: what is done stays done, what was begun goes on.

import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type DatasetReading, openDataset } from '../../node/datasets/dataset.js';
import type { Evaluation } from '../../node/datasets/evaluate-dataset.js';
import { readingFor } from '../../node/datasets/reading.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { ifThere, readJson } from '../../node/disk/read-file.js';
import { keepInputs } from '../../node/keep-inputs.js';
import { textUse } from '../../runtime/session/text-use.js';
import { parseTrainConfig, readingOf } from '../config.js';
import type { TrainEvent } from '../events.js';
import type { TrainOptions, TrainResult } from '../run/options.js';
import { readMetrics } from '../run-files/index.js';
import type { StudyRow } from './grid.js';
import { type RunResult, readResult } from './result.js';
import { applyPatch, type Settings } from './settings.js';

export interface StudyOptions
  extends Pick<TrainOptions, 'init' | 'steps' | 'skipBad' | 'device' | 'command' | 'signal'> {
  readonly data: string;
  readonly out: string;
  /** What every row starts from: complete, as of `completeSettings`; its network that of `init`, where there is one. */
  readonly settings: Settings;
  readonly rows: readonly StudyRow[];
  readonly seeds: readonly number[];
  readonly train: (options: TrainOptions) => Promise<TrainResult>;
  /** Scores of a finished run's model, for the table; null: those of validation are enough. */
  readonly score: ((run: ScoredRun) => Promise<Evaluation>) | null;
  /** name@version, for results. */
  readonly package: string;
  readonly onEvent?: (event: StudyEvent) => void;
  /** After each run. */
  readonly onResults?: (results: readonly RowResults[], data: StudyData) => Promise<void>;
}

/** What is trained and validated on. */
export interface StudyData {
  readonly name: string;
  /** By split. */
  readonly records: Readonly<Record<string, number>>;
}

export interface ScoredRun {
  /** A model folder. */
  readonly folder: string;
  /** How the data set is read, as in training. */
  readonly reading: DatasetReading;
}

/** All runs of a row, in the order of the seeds; null for those that are not done. */
export interface RowResults extends StudyRow {
  readonly runs: readonly (RunResult | null)[];
}

export type StudyEvent =
  | {
      readonly kind: 'run';
      readonly index: number;
      readonly total: number;
      readonly name: string;
      readonly seed: number;
    }
  | { readonly kind: 'train'; readonly event: TrainEvent }
  /** `earlier`: an earlier call has done it. */
  | { readonly kind: 'done'; readonly name: string; readonly result: RunResult; readonly earlier: boolean };

interface PlannedRun {
  readonly row: StudyRow;
  readonly seed: number;
  readonly folder: string;
  readonly key: string;
  readonly settings: Settings;
}

/**
 * Runs what is not done yet, seed by seed, so that a study that is stopped half-way compares all rows on the seeds so far. Only
 * the splits "train" and "val" are opened; what `score` opens is its own affair.
 *
 * A run whose numbers are no longer finite counts as diverged and is not tried again; all else that fails ends the study.
 *
 * Errors: BAD_ARGUMENT, CONFIG_INVALID (a row's settings, before the first run), those of the data set, of training and of
 * `score`; ABORTED (after a checkpoint).
 */
export async function runStudy(options: StudyOptions): Promise<RowResults[]> {
  const { rows, seeds, out, onEvent, onResults, signal } = options;
  checkOptions(options);
  await keepInputs('runStudy', { folder: out }, [options.data, options.init]);
  const { digest, ...data } = await describeData(options);
  const planned = seeds.map(seed => rows.map(row => plan(options, row, seed, digest)));
  await claim(options);
  const results = new Map<string, RunResult>();
  const table = (): RowResults[] =>
    rows.map((row, r) => ({ ...row, runs: planned.map(runs => results.get(runs[r]!.key) ?? null) }));
  const all = planned.flat();
  for (const run of all) {
    const result = await readResult(run.folder, run.key, options.score !== null);
    if (!result) continue;
    results.set(run.key, result);
    onEvent?.({ kind: 'done', name: run.row.name, result, earlier: true });
  }
  await onResults?.(table(), data);
  for (const [index, run] of all.entries()) {
    if (results.has(run.key)) continue;
    throwIfAborted(signal, 'runStudy');
    onEvent?.({ kind: 'run', index, total: all.length, name: run.row.name, seed: run.seed });
    const result = await execute(run, options);
    results.set(run.key, result);
    onEvent?.({ kind: 'done', name: run.row.name, result, earlier: false });
    await onResults?.(table(), data);
  }
  await mkdir(out, { recursive: true });
  return table();
}

function checkOptions({ rows, seeds }: StudyOptions): void {
  const whole = seeds.length > 0 && seeds.every(seed => Number.isSafeInteger(seed) && seed >= 0);
  check(whole && new Set(seeds).size === seeds.length, 'BAD_ARGUMENT', () => {
    return `runStudy: seeds must be whole numbers of at least 0, each once, got ${seeds.join(', ') || 'none'}; correct them`;
  });
  const names = rows.map(({ name }) => name);
  check(rows.length > 0 && new Set(names).size === names.length, 'BAD_ARGUMENT', () => {
    return `runStudy: rows must have names of their own, got ${names.join(', ') || 'none'}; correct them`;
  });
}

/** Checks the row's settings and names its run. */
function plan(options: StudyOptions, row: StudyRow, seed: number, digest: string): PlannedRun {
  const { steps, init, skipBad = false } = options;
  const settings: Settings = { ...applyPatch(options.settings, row.patch), seed };
  parseTrainConfig(settings, `row "${row.name}"`);
  const { name: _, version: __, ...network } = settings.model as Settings;
  const { prompt, category, ...others } = settings;
  const decides = {
    ...others,
    // not where they choose nothing: runs of before they could be chosen are known by the same hash
    ...(prompt !== null && { prompt }),
    ...(category !== null && { category }),
    model: network,
    steps: steps ?? null,
    init: init ? resolve(init) : null,
    skipBad,
    digest,
  };
  const key = sha256(canonical(decides)).slice(0, 16);
  const ofRow = sha256(canonical({ ...decides, seed: null })).slice(0, 8);
  const slug = row.name.replace(/[^\w.+=-]+/g, '-').slice(0, 60);
  const folder = join(options.out, 'runs', `${slug}-${ofRow}`, `seed-${seed}`);
  return { row, seed, folder, key, settings };
}

/** `digest`: of ids and texts. The test split is not looked at. */
async function describeData({
  data,
  settings,
  signal,
}: StudyOptions): Promise<StudyData & { readonly digest: string }> {
  const splits: unknown[] = [];
  const counts: Record<string, number> = {};
  let called = '';
  const { model } = parseTrainConfig(settings, 'runStudy');
  const wanted = readingOf(settings);
  const reading = model ? readingFor('runStudy', textUse(model), wanted) : wanted;
  for (const split of ['train', 'val']) {
    // faults are training's to tell
    const { name, records } = await openDataset(data, {
      ...{ split, ...reading, onFault: () => {} },
      ...(signal && { signal }),
    });
    splits.push(records.map(({ id, text }) => [id, text]));
    counts[split] = records.length;
    called = name;
  }
  return { name: called, records: counts, digest: sha256(JSON.stringify(splits)) };
}

/** Writes study.json, or finds that the folder is another study's. */
async function claim({ out, data, rows, seeds, settings, package: by }: StudyOptions): Promise<void> {
  const path = join(out, 'study.json');
  const kind = { rule: 'runStudy: study.json must be that of a study', advice: 'name another --out' };
  const before = (await ifThere(readJson(path, kind))) as { data?: unknown } | null | undefined;
  check(before === undefined || before?.data === resolve(data), 'BAD_ARGUMENT', () => {
    return `runStudy: a study must keep its data set, got ${resolve(data)} where ${path} has ${show(before?.data)}; name another --out`;
  });
  const study = { data: resolve(data), package: by, settings, rows, seeds };
  await writeFileAtomic(path, `${JSON.stringify(study, null, 2)}\n`);
}

/** Trains, or goes on; scores; leaves result.json. */
async function execute(run: PlannedRun, options: StudyOptions): Promise<RunResult> {
  const { folder, key, settings, seed } = run;
  const { data, init, steps, skipBad, device, command, signal, onEvent, train, score } = options;
  const about = { key, row: run.row.name, patch: run.row.patch, seed, package: options.package };
  // what an earlier call began
  const resume = (await stat(folder).catch(() => null)) !== null;
  let result: RunResult;
  try {
    const trained = await train({
      ...(init !== undefined && { init, network: settings.model as Settings }),
      ...{ data, out: folder, config: settings, resume, steps, skipBad, device, command, signal },
      onEvent: event => onEvent?.({ kind: 'train', event }),
    });
    const test = score && (await score({ folder, reading: readingOf(settings) }));
    result = { ...about, ...(await figures(folder, trained)), test: test && summaryOf(test) };
  } catch (error) {
    if (!(error instanceof TmcaError) || error.code !== 'MODEL_NOT_FINITE') throw error;
    result = {
      ...about,
      diverged: error.message,
      validation: null,
      epoch: null,
      step: null,
      seconds: null,
      adapter: null,
      test: null,
    };
  }
  await writeFileAtomic(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  // moments of a run that is done: three times the size of its model, and nobody goes on from them
  await rm(join(folder, 'checkpoints'), { recursive: true, force: true });
  return result;
}

/** The best epoch's validation scores. */
async function figures(folder: string, { step, adapter }: TrainResult) {
  const lines = (await readMetrics(join(folder, 'metrics.jsonl'))).filter(({ kind }) => kind === 'epoch');
  const scored = lines.filter(line => typeof line.val_dice === 'number');
  const chosen = scored.reduce<(typeof scored)[number] | null>(
    (top, line) => (top === null || (line.val_dice as number) > (top.val_dice as number) ? line : top),
    null,
  );
  check(chosen !== null, 'INTERNAL', `runStudy: a finished run must have validation scores, got none in ${folder}`);
  const number = (name: string) => chosen[name] as number;
  return {
    diverged: null,
    validation: {
      ...{ dice: number('val_dice'), iou: number('val_iou') },
      ...{ mean_dice: number('val_mean_dice'), mean_iou: number('val_mean_iou') },
    },
    epoch: chosen.epoch + 1,
    step,
    seconds: lines.reduce((sum, { seconds }) => sum + (typeof seconds === 'number' ? seconds : 0), 0),
    adapter: adapter.description || adapter.vendor,
  };
}

const summaryOf = ({ n, dice, iou, accuracy, mean_dice, mean_iou, without, split, device, dtype }: Evaluation) => ({
  ...{ n, dice, iou, accuracy, mean_dice, mean_iou, without, split, device, dtype },
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** JSON with keys in order, so that the same settings have the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
