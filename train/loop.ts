// The order of a run: steps, lines of metrics, checkpoints, validation, the best model, the end. What a step is, where data
// comes from and where files go is handed in, so that all of it is tested without a device and without a disk.
//
// The state is advanced only by what has happened, and everything random is drawn by (seed, epoch, record): a run that goes on
// from any saved state takes the steps that it would have taken without the break.

import type { Evaluation } from '../assembly/index.js';
import { TmcaError, throwIfAborted } from '../errors/index.js';
import type { Training } from '../networks/training-registry.js';
import type { TrainConfig } from './config.js';
import type { StopReason, TrainEvent } from './events.js';
import type { MetricsLine } from './run-files/metrics.js';
import type { TrainState } from './run-files/state.js';
import { learningRate, type Schedule, warmedUp } from './schedule.js';
import type { Batch, StepResult, StepSettings } from './step/step.js';

export interface LoopParts {
  readonly config: TrainConfig;
  /** Batches of an epoch. */
  readonly batches: number;
  /** Steps from which the rate is the smallest. */
  readonly totalSteps: number;
  /** The run ends after this step, at the latest. */
  readonly lastStep: number;
  readonly network: Pick<Training, 'lossNames' | 'scalars' | 'scalarKeys'>;
  /** The batches of an epoch from `from` on. */
  epoch(epoch: number, from: number): AsyncIterable<Batch>;
  step(batch: Batch, settings: StepSettings): Promise<StepResult>;
  /** Null where there is nothing to validate on. */
  readonly validate: (() => Promise<Evaluation>) | null;
  /** Appends to metrics.jsonl. */
  log(line: MetricsLine): Promise<void>;
  /** Writes a checkpoint and says where. */
  save(state: TrainState): Promise<string>;
  /** Makes the weights as they are the run's model. */
  publish(): Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly emit: (event: TrainEvent) => void;
}

export interface LoopStart {
  /** The state to start from is on the disk already. */
  readonly saved: boolean;
  /** Lines that an earlier process logged. */
  readonly earlier?: readonly MetricsLine[];
}

export interface LoopResult {
  readonly state: TrainState;
  readonly stopped: StopReason;
  /** The last epoch's line; null where this call took no step and scored nothing. */
  readonly last: MetricsLine | null;
}

/** Why a run in this state takes no further step; null where it goes on. */
export function reasonToStop(
  state: TrainState,
  { patience, minEpochs, epochs }: TrainConfig,
  lastStep: number,
): StopReason | null {
  const tired = patience > 0 && state.epochsSinceBest >= patience && state.epoch >= minEpochs && state.batch === 0;
  if (tired) return 'patience';
  if (state.epoch >= epochs) return 'epochs';
  return state.step >= lastStep ? 'steps' : null;
}

/**
 * Runs from `start` to the end.
 *
 * Errors: ABORTED (after a checkpoint), MODEL_NOT_FINITE (after a checkpoint of the state before the step), and what the
 * parts throw.
 */
export async function runLoop(
  parts: LoopParts,
  start: TrainState,
  options: LoopStart = { saved: false },
): Promise<LoopResult> {
  return new Loop(parts, start, options).run();
}

class Loop {
  #state: TrainState;
  /** Sums of the losses of an epoch's steps, for their means. */
  readonly #sums = new Map<string, number>();
  #last: MetricsLine | null = null;
  /** The state that is on the disk, by step and epoch. */
  #saved: string | null;
  #epochStart = performance.now();

  constructor(
    private readonly parts: LoopParts,
    start: TrainState,
    { saved, earlier = [] }: LoopStart,
  ) {
    this.#state = start;
    this.#saved = saved ? positionOf(start) : null;
    for (const line of earlier) if (line.kind === 'step' && line.epoch === start.epoch) this.#add(line);
  }

  async run(): Promise<LoopResult> {
    const { config, lastStep, batches } = this.parts;
    try {
      // the first one: whatever happens, there is something to go on from
      await this.#save();
      let stopped = reasonToStop(this.#state, config, lastStep);
      while (stopped === null) {
        await this.#steps();
        if (this.#state.batch === batches) await this.#endEpoch();
        stopped = reasonToStop(this.#state, config, lastStep);
      }
      await this.#save();
      if (this.#state.batch > 0) await this.#scoreUnfinished();
      return { state: this.#state, stopped, last: this.#last };
    } catch (error) {
      // what can be saved: after an interruption everything, after a step that went wrong what was before it
      const keep = error instanceof TmcaError && (error.code === 'ABORTED' || error.code === 'MODEL_NOT_FINITE');
      if (keep) await this.#save();
      throw error;
    }
  }

  /** Steps up to the end of the epoch or of the run. The next batch is made while the device is busy with this one. */
  async #steps(): Promise<void> {
    const { parts } = this;
    const { epoch, batch } = this.#state;
    if (batch === parts.batches) return;
    if (batch === 0) this.#epochStart = performance.now();
    const batches = parts.epoch(epoch, batch)[Symbol.asyncIterator]();
    try {
      let before = performance.now();
      let next = batches.next();
      while (true) {
        const { value, done } = await next;
        if (done) return;
        throwIfAborted(parts.signal, 'train');
        const settings = this.#settings();
        const running = parts.step(value, settings);
        const isLast = this.#state.batch + 1 === parts.batches || this.#state.step + 1 >= parts.lastStep;
        if (!isLast) next = heard(batches.next());
        const result = await running;
        const now = performance.now();
        await this.#stepDone(result, settings, (1000 * parts.config.batch) / (now - before));
        before = now;
        if (isLast) return;
        const { checkpointSteps } = parts.config;
        if (checkpointSteps > 0 && this.#state.step % checkpointSteps === 0) await this.#save();
      }
    } finally {
      await batches.return?.();
    }
  }

  #settings(): Required<StepSettings> {
    const { config, totalSteps, network } = this.parts;
    const { lr, minLr, warmupSteps, contrastiveWarmupSteps } = config;
    const { step } = this.#state;
    const schedule: Schedule = { lr, minLr, warmupSteps, totalSteps };
    const scalars = Object.entries(network.scalars).map(([name, value]) => [
      name,
      warmedUp(step, value, contrastiveWarmupSteps),
    ]);
    return { lr: learningRate(step, schedule), scalars: Object.fromEntries(scalars) };
  }

  async #stepDone(result: StepResult, settings: Required<StepSettings>, imagesPerSecond: number): Promise<void> {
    const { step, epoch, batch } = this.#state;
    this.#state = { ...this.#state, step: step + 1, batch: batch + 1 };
    this.#add(result);
    const { scalarKeys } = this.parts.network;
    const losses = this.#lossNames.map(name => [name, result[name]!] as const);
    const scalars = Object.entries(settings.scalars).map(([name, value]) => [scalarKeys[name]!, value] as const);
    const line: MetricsLine = {
      ...{ kind: 'step', step: step + 1, epoch },
      ...Object.fromEntries(losses),
      ...{ gradient_norm: result.gradientNorm, lr: settings.lr },
      ...Object.fromEntries(scalars),
      images_per_second: round(imagesPerSecond),
    };
    await this.parts.log(line);
    this.parts.emit({ kind: 'step', line });
  }

  async #endEpoch(): Promise<void> {
    const { validate, publish, emit, log } = this.parts;
    const scores = validate && (await validate());
    const { step, epoch, best } = this.#state;
    const better = scores === null || best === null || scores.dice > best.score;
    if (better) await publish();
    const line = this.#epochLine(scores);
    await log(line);
    this.#last = line;
    this.#state = {
      ...this.#state,
      ...{ epoch: epoch + 1, batch: 0 },
      best: better && scores ? { step, epoch, score: scores.dice } : best,
      epochsSinceBest: better ? 0 : this.#state.epochsSinceBest + 1,
    };
    this.#sums.clear();
    emit({ kind: 'epoch', line, best: better });
    await this.#save();
  }

  /**
   * Scores a run that was told to end in the middle of an epoch, so that it too ends with a model and its scores. The
   * checkpoint knows nothing of that: going on gives what an unbroken run gives.
   */
  async #scoreUnfinished(): Promise<void> {
    const { validate, publish, emit, log } = this.parts;
    const scores = validate && (await validate());
    const { best } = this.#state;
    const better = scores === null || best === null || scores.dice > best.score;
    if (better) await publish();
    const line: MetricsLine = { ...this.#epochLine(scores), complete: 0 };
    await log(line);
    this.#last = line;
    emit({ kind: 'epoch', line, best: better });
  }

  #epochLine(scores: Evaluation | null): MetricsLine {
    const { step, epoch, batch } = this.#state;
    const means = this.#lossNames.map(name => [name, (this.#sums.get(name) ?? 0) / batch]);
    return {
      ...{ kind: 'epoch', step, epoch },
      ...Object.fromEntries(means),
      ...(scores && {
        ...{ val_dice: scores.dice, val_iou: scores.iou, val_accuracy: scores.accuracy },
        ...{ val_mean_dice: scores.meanDice, val_mean_iou: scores.meanIou },
      }),
      seconds: round((performance.now() - this.#epochStart) / 1000),
    };
  }

  get #lossNames(): readonly string[] {
    return ['loss', ...this.parts.network.lossNames];
  }

  #add(values: StepResult | MetricsLine): void {
    const numbers = values as Readonly<Record<string, unknown>>;
    for (const name of this.#lossNames) this.#sums.set(name, (this.#sums.get(name) ?? 0) + Number(numbers[name]));
  }

  /** Once for each state. */
  async #save(): Promise<void> {
    const { step } = this.#state;
    const position = positionOf(this.#state);
    if (this.#saved === position) return;
    const folder = await this.parts.save(this.#state);
    this.#saved = position;
    this.parts.emit({ kind: 'checkpoint', step, folder });
  }
}

/** After an epoch's last step comes its end, with no step between. */
const positionOf = ({ step, epoch }: TrainState): string => `${step} of epoch ${epoch}`;

/** A promise that is awaited later: until then, or where something else fails first, it is no unhandled rejection. */
function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Times are no results: four digits say enough of them. */
const round = (x: number): number => Number(x.toPrecision(4));
