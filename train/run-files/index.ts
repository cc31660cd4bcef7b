// The folder of a training run:
//
//     config.json, model.safetensors, vocab.txt, manifest.json    the best model so far: a model folder, at any moment
//     run.json                                                    what is run: command, data, device, settings
//     metrics.jsonl                                               a line a step, a line an epoch
//     checkpoints/NNNNNN/                                         the last two states, to resume from
//     train.lock                                                  while a process trains there
//
// The process may die at any instruction: what is there can be used, and `RunFolder.resume` goes on.

import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { check } from '../../errors/index.js';
import { type Checkpoint, type CheckpointContent, latestCheckpoint, saveCheckpoint } from './checkpoints.js';
import { type Disk, nodeDisk } from './disk.js';
import { appendMetrics, type MetricsLine, type MetricsRepair, repairMetrics } from './metrics.js';
import { type ModelContent, replaceModel, replacements } from './model-files.js';

export { type Checkpoint, type CheckpointContent, latestCheckpoint } from './checkpoints.js';
export { type Disk, nodeDisk } from './disk.js';
export { lockRun, type RunLock } from './lock.js';
export { type MetricsLine, type MetricsRepair, readMetrics } from './metrics.js';
export type { ModelContent } from './model-files.js';
export { type RunInfo, readRunInfo, writeRunInfo } from './run-info.js';
export type { TrainState } from './state.js';

export interface RunOptions {
  /** name@version of the writer, for manifests. */
  readonly package: string;
  /** For tests. */
  readonly disk?: Disk;
}

export interface ResumedRun {
  readonly run: RunFolder;
  /** Null where the run died before its first one: begin again, with step 0. */
  readonly checkpoint: Checkpoint | null;
  readonly metrics: MetricsRepair;
}

/**
 * Writes a run's files. One process a folder (`lockRun`); calls one after another.
 *
 * @example
 * const run = await RunFolder.create('out', { package: 'tmca-edge@0.1.0' });
 * await run.log({ kind: 'step', step: 1, epoch: 0, loss: 1.2 });
 * await run.save({ config, vocab, weights, optimizer, state });
 * const { run, checkpoint } = await RunFolder.resume('out', { package: 'tmca-edge@0.1.0' });
 */
export class RunFolder {
  readonly folder: string;
  readonly #package: string;
  readonly #disk: Disk;
  /** Names of checkpoints that were found damaged when the run was resumed. */
  #damaged: ReadonlySet<string> = new Set();

  private constructor(folder: string, options: RunOptions) {
    this.folder = folder;
    this.#package = options.package;
    this.#disk = options.disk ?? nodeDisk;
  }

  /** A new run. Errors: BAD_ARGUMENT, where the folder holds a run already; OUTPUT_NOT_WRITABLE. */
  static async create(folder: string, options: RunOptions): Promise<RunFolder> {
    const run = new RunFolder(folder, options);
    for (const name of ['metrics.jsonl', 'checkpoints', 'model.safetensors']) {
      const there = await stat(join(folder, name)).catch(() => null);
      check(there === null, 'BAD_ARGUMENT', () => {
        return `RunFolder.create: a new run must not write over another, got ${name} in ${folder}; resume it, or name another folder`;
      });
    }
    await run.#disk.mkdir(folder);
    return run;
  }

  /**
   * Goes on from the newest whole checkpoint: metrics after it are dropped.
   *
   * Errors: MANIFEST_MISMATCH (every checkpoint is damaged), FILE_UNREADABLE, OUTPUT_NOT_WRITABLE.
   */
  static async resume(folder: string, options: RunOptions): Promise<ResumedRun> {
    const run = new RunFolder(folder, options);
    await run.#disk.mkdir(folder);
    for (const path of replacements(folder)) await run.#disk.remove(path);
    const checkpoint = await latestCheckpoint(run.#checkpoints);
    run.#damaged = new Set(checkpoint?.skipped.map(each => basename(each.folder)));
    const metrics = await repairMetrics(run.#metrics, checkpoint?.state.step ?? 0, run.#disk);
    return { run, checkpoint, metrics };
  }

  /** Appends to metrics.jsonl. */
  log(line: MetricsLine): Promise<void> {
    return appendMetrics(this.#metrics, line, this.#disk);
  }

  /** Writes the next checkpoint and lets go of the last but one; returns its folder. Log the lines of its steps first. */
  async save(content: CheckpointContent): Promise<string> {
    // a checkpoint must not outlive the metrics that led to it
    await this.#disk.sync(this.#metrics);
    const folder = await saveCheckpoint(this.#checkpoints, content, this.#origin(), this.#disk, this.#damaged);
    this.#damaged = new Set();
    return folder;
  }

  /** Makes this the folder's own model. All models of a run have one configuration and one vocabulary. */
  publish(content: ModelContent): Promise<void> {
    return replaceModel(this.folder, content, this.#origin(), this.#disk);
  }

  get #metrics(): string {
    return join(this.folder, 'metrics.jsonl');
  }

  get #checkpoints(): string {
    return join(this.folder, 'checkpoints');
  }

  #origin() {
    return { package: this.#package, created: new Date().toISOString() };
  }
}
