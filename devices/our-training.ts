// This package's own training step, with what a benchmark must see of its inside.

import { loadAssembly } from '../assembly/index.js';
import { check } from '../errors/index.js';
import { tensorOf } from '../formats/safetensors/index.js';
import type { GpuDevice } from '../gpu/device.js';
import { openDevice } from '../gpu/open-device.js';
import { PipelineCache } from '../gpu/pipelines.js';
import { TrainingStep } from '../train/step/step.js';
import { type CallTimes, timeCalls } from './clock.js';
import type { TimedCall } from './kernel-table.js';
import type { Profile } from './ours.js';
import { processCpu } from './process-cpu.js';
import { STEP, type TrainingWork, type TrainRunner } from './training.js';

export interface OurTrainingOptions {
  readonly work: TrainingWork;
  /** `navigator.gpu` or Dawn. */
  readonly gpu: GPU;
  readonly version: string;
  readonly signal?: AbortSignal | undefined;
}

/** How many profiles of a step are taken. */
const PROFILES = 3;
/** The most calls that one profile times: queries are few. */
const MOST_CALLS = 1024;

export class OurTraining implements TrainRunner {
  readonly name = 'tmca-edge';
  readonly version: string;
  readonly #options: OurTrainingOptions;
  #opened: { readonly gpu: GpuDevice; readonly step: TrainingStep } | undefined;

  constructor(options: OurTrainingOptions) {
    this.#options = options;
    this.version = options.version;
  }

  async open(): Promise<void> {
    const { work, gpu: found, signal } = this.#options;
    const { config, images: batch, length, parameters } = work;
    const gpu = await openDevice({ gpu: found, prefer: 'any', signal });
    try {
      const { clip, weightDecay } = STEP;
      const sizes = { batch, length, clip, optimiser: { weightDecay } };
      const step = await TrainingStep.create(gpu, await loadAssembly(), config, sizes);
      this.#opened = { gpu, step };
      await step.arena.load({
        async *tensors() {
          for (const [name, { shape, data }] of parameters) yield tensorOf(name, shape, data);
        },
      });
    } catch (error) {
      gpu.dispose();
      throw error;
    }
  }

  async step(): Promise<number> {
    const { gpu, step } = this.#open;
    const { loss } = await step.run(this.#options.work.batch, { lr: STEP.lr });
    await gpu.guard('bench', gpu.device.queue.onSubmittedWorkDone());
    return loss;
  }

  async cpu(): Promise<number> {
    return processCpu();
  }

  get gpu(): GpuDevice {
    return this.#open.gpu;
  }

  /** What a step dispatches: the network's part, clipping and the optimiser. */
  get calls() {
    return this.#open.step.commands.flatMap(({ calls }) => calls);
  }

  /** Each dispatch of a step on the device's clock; null where it has none. The parameters move on with every run. */
  async profile(signal?: AbortSignal): Promise<Profile | null> {
    const { gpu, step } = this.#open;
    if (!gpu.features.timestamps) return null;
    const pipelines = new PipelineCache(gpu);
    const calls: TimedCall[] = [];
    let how: Omit<CallTimes, 'ms'> | undefined;
    for (const plan of step.commands)
      for (let from = 0; from < plan.calls.length; from += MOST_CALLS) {
        const part = plan.calls.slice(from, from + MOST_CALLS);
        const { ms, ...timed } = await timeCalls(pipelines, part, { runs: PROFILES, signal });
        calls.push(...part.map(({ shader, cost }, i) => ({ name: shader.name, ms: ms[i]!, cost })));
        how = timed;
      }
    return how ? { ...how, calls } : null;
  }

  async dispose(): Promise<void> {
    this.#opened?.step.dispose();
    this.#opened?.gpu.dispose();
    this.#opened = undefined;
  }

  get #open() {
    check(this.#opened, 'INTERNAL', 'OurTraining: the network must be open, got none; call open first');
    return this.#opened;
  }
}
