// run.json of a run: what was asked for, on what it runs, how it ended.

import { type TrainConfig, trainConfigToJson } from '../config.js';
import { type RunInfo, readRunInfo } from '../run-files/index.js';
import type { TrainOptions, TrainResult } from './options.js';
import type { RunData } from './run-data.js';
import type { Beginning } from './run-start.js';
import type { StepEngine } from './step-engine.js';

/** What a run is told to be, before its first step. A resumed one keeps the time when it started. */
export async function describeRun(
  by: string,
  options: TrainOptions,
  { config, checkpoint }: Beginning,
  { name, train, validation }: RunData,
  { adapter: { vendor, architecture, description, software }, precision, taken }: StepEngine,
): Promise<RunInfo> {
  const before = checkpoint && (await readRunInfo(options.out).catch(() => null));
  const val = validation ? { val: validation.records.length } : {};
  return {
    package: by,
    command: before?.command ?? options.command ?? commandOf(options),
    data: { folder: options.data, name, records: { train: train.records.length, ...val } },
    device: { adapter: description || [vendor, architecture].filter(Boolean).join(' '), software, dtype: precision },
    seed: config.seed,
    config: trainConfigToJson(config),
    taken: { micro_batch: taken.microBatch, recompute: taken.recompute },
    started: before?.started ?? new Date().toISOString(),
    ended: null,
  };
}

export function endedRun(info: RunInfo, { stopped, step }: TrainResult, { patience }: TrainConfig): RunInfo {
  const why = {
    epochs: `all epochs, ${step} steps`,
    steps: `${step} steps, as asked for`,
    patience: `no better validation Dice for ${patience} epochs, after ${step} steps`,
  }[stopped];
  return { ...info, ended: { at: new Date().toISOString(), why } };
}

/** The command that does what these options say. */
export function commandOf(options: TrainOptions): string {
  const { config } = options;
  const given: readonly (readonly [flag: string, value: unknown])[] = [
    ['--data', options.data],
    ['--out', options.out],
    ['--config', typeof config === 'object' ? 'FILE' : config],
    ['--init', options.init],
    ['--epochs', options.epochs],
    ['--batch', options.batch],
    ['--lr', options.lr],
    ['--steps', options.steps],
    ['--seed', options.seed],
    ['--text', options.textOverride],
    ['--prompt', options.prompt],
    ['--category', options.category],
    ['--device', options.device === 'auto' ? undefined : options.device],
    ['--precision', options.precision],
  ];
  const flags = given
    .filter(([, value]) => value !== undefined)
    .map(([flag, value]) => `${flag} ${quoted(String(value))}`);
  return ['tmca train', ...flags, ...(options.skipBad ? ['--skip-bad'] : [])].join(' ');
}

/** A word for a shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
