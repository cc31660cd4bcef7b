// A training run, from a folder of images, masks and sentences to a model folder: what the command `tmca train` does, and
// what sweeps and ablations do many times.

import { checkOptions, requireOptions } from '../../errors/arguments.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { sizeOf } from '../../graph/graph.js';
import { Network } from '../../networks/network.js';
import { trainingOf } from '../../networks/training-registry.js';
import { keepInputs } from '../../node/keep-inputs.js';
import { takesGpu } from '../../runtime/engines/names.js';
import { trainConfigToJson } from '../config.js';
import type { TrainEvent } from '../events.js';
import { type LoopParts, runLoop } from '../loop.js';
import { describeInitial, initialParameters } from '../parameters/starting-parameters.js';
import { lockRun, type TrainState, writeRunInfo } from '../run-files/index.js';
import type { Batch, StepResult, StepSettings } from '../step/step.js';
import { explain } from './failure.js';
import { GpuSteps } from './gpu-steps.js';
import type { TrainOptions, TrainResult } from './options.js';
import { packageName } from './package-name.js';
import { writePrints } from './record-prints.js';
import { openRunData, type RunData, survey } from './run-data.js';
import { describeRun, endedRun } from './run-json.js';
import { ASKED_KEY, type Beginning, begin, DATA_KEY } from './run-start.js';
import type { StepEngine } from './step-engine.js';

/** What has to be let go of at the end, in the order in which it was made. */
type Made = { dispose(): void | Promise<void> }[];

/** Devices that may be lost between two checkpoints: a driver that comes back is waited for, a run that kills it is not repeated. */
const LOSSES_IN_A_ROW = 3;

/**
 * Trains. Files are written as run-files/ says, so that the process may die at any moment; `signal` stops after the step under
 * way, with a checkpoint. A lost device is replaced, and the run goes on from its last checkpoint: the result is the same.
 *
 * Errors: BAD_ARGUMENT, CONFIG_INVALID, those of the data set (DATASET_INVALID, …), of the model to start from, of the device
 * (NO_ADAPTER, GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST), MODEL_NOT_FINITE, OUTPUT_NOT_WRITABLE, RUN_BUSY (another process
 * trains in the folder), ABORTED. Their messages say what is saved.
 *
 * @example
 * const { best } = await train({ data: 'kvasir-seg', out: 'run', config: 'nano', epochs: 50, onEvent: console.log });
 * const rest = await train({ data: 'kvasir-seg', out: 'run', resume: true });
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  requireOptions('train', options, { data: 'string', out: 'string' });
  checkOptions('train', options, { init: 'string', signal: 'AbortSignal', onEvent: 'function' });
  const emit = options.onEvent ?? (() => {});
  let losses = 0;
  let saved: number | undefined;
  const watched = (event: TrainEvent) => {
    if (event.kind === 'checkpoint') {
      losses = 0;
      saved = event.step;
    }
    emit(event);
  };
  for (let resume = options.resume; ; resume = true) {
    try {
      return await trainOnce({ ...options, resume }, watched);
    } catch (error) {
      const lost = error instanceof TmcaError && error.code === 'DEVICE_LOST';
      if (!lost || saved === undefined || ++losses >= LOSSES_IN_A_ROW) throw error;
      emit({ kind: 'note', text: `the device was lost: going on from step ${saved} on a new one` });
    }
  }
}

/** On one device. */
async function trainOnce(options: TrainOptions, emit: (event: TrainEvent) => void): Promise<TrainResult> {
  const { signal, device = 'auto', steps } = options;
  checkDevice(device);
  check(
    steps === undefined || (Number.isSafeInteger(steps) && steps >= 1),
    'BAD_ARGUMENT',
    `train: steps must be a whole number of at least 1, got ${steps}`,
  );
  throwIfAborted(signal, 'train');
  await keepInputs('train', { folder: options.out }, [options.data, options.init]);
  const lock = await lockRun(options.out);
  try {
    return await trainLocked(options, emit);
  } finally {
    await lock.release();
  }
}

/** In a folder that is this process's. */
async function trainLocked(options: TrainOptions, emit: (event: TrainEvent) => void): Promise<TrainResult> {
  const found = await survey(options);
  const by = await packageName();
  const beginning = await begin(options, by);
  const made: Made = [];
  try {
    for (const text of beginning.notes) emit({ kind: 'note', text });
    const data = await openRunData(options, beginning, found, emit);
    made.push(data);
    emit({ kind: 'prepare' });
    const engine = await openEngine(options, beginning, data, emit);
    made.push(engine);
    const info = await describeRun(by, options, beginning, data, engine);
    await writeRunInfo(options.out, info);
    await writePrints(options.out, data.prints);
    const result = await new Run(options, beginning, data, engine, emit).go();
    await writeRunInfo(options.out, endedRun(info, result, beginning.config));
    return result;
  } finally {
    await beginning.init?.close();
    for (const part of made.reverse()) await part.dispose();
  }
}

function checkDevice(device: NonNullable<TrainOptions['device']>): void {
  check(
    device === 'torch' || takesGpu(device),
    'ENGINE_UNAVAILABLE',
    `train: training must run on WebGPU or by PyTorch, got device ${device}; use --device webgpu (a software adapter will do, slowly) or torch`,
  );
}

/** Whatever takes the steps. Errors: those of it, with what can be said of the run. */
async function openEngine(
  options: TrainOptions,
  { network, config, checkpoint }: Beginning,
  { length, validation }: RunData,
  emit: (event: TrainEvent) => void,
): Promise<StepEngine> {
  const { device = 'auto', memory, signal, python = 'python3', precision = 'fp32' } = options;
  const shared = { network, config, length, validated: validation?.records.length ?? 0, emit, signal };
  try {
    if (device !== 'torch') return await GpuSteps.open(shared, { device, memory });
    const { TorchSteps } = await import('../torch/steps.js');
    return await TorchSteps.open(shared, { python, precision });
  } catch (error) {
    throw explain(error, { options, saved: savedBy(checkpoint), notFinite: null });
  }
}

/** The last checkpoint, for messages of what comes after it. */
type Saved = { readonly step: number; readonly folder: string } | null;

const savedBy = (checkpoint: Beginning['checkpoint']): Saved =>
  checkpoint && { step: checkpoint.state.step, folder: checkpoint.folder };

class Run {
  #saved: Saved;
  #notFinite: string | null = null;

  constructor(
    private readonly options: TrainOptions,
    private readonly beginning: Beginning,
    private readonly data: RunData,
    private readonly engine: StepEngine,
    private readonly emit: (event: TrainEvent) => void,
  ) {
    this.#saved = savedBy(beginning.checkpoint);
  }

  async go(): Promise<TrainResult> {
    try {
      const parts = this.#parts();
      const start = await this.#load();
      this.#announce(parts, start);
      const { checkpoint, earlier, config } = this.beginning;
      const { state, stopped, last } = await runLoop(parts, start, { saved: checkpoint !== null, earlier });
      return {
        ...{ out: this.options.out, stopped, step: state.step },
        last: last ?? earlier.filter(({ kind }) => kind === 'epoch').at(-1) ?? null,
        ...{ best: state.best, seed: config.seed, splits: this.data.splits, adapter: this.engine.adapter },
      };
    } catch (error) {
      throw explain(error, { options: this.options, saved: this.#saved, notFinite: this.#notFinite });
    }
  }

  #parts(): LoopParts {
    const { config: asked, network, run, vocab } = this.beginning;
    const { train, validation, length } = this.data;
    const { signal, steps, epochs } = this.options;
    const { engine } = this;
    const batches = train.batches;
    // more steps than the epochs hold: more epochs, unless these were asked for as well
    const more = epochs === undefined && steps !== undefined ? Math.ceil(steps / batches) : 0;
    const config = { ...asked, epochs: Math.max(asked.epochs, more) };
    const total = validation?.records.length ?? 0;
    const stop = signal ? { signal } : {};
    const model = { config: network, vocab };
    const validated = (done: number) => this.emit({ kind: 'validation', done, total });
    return {
      ...{ config, batches, signal, emit: this.emit },
      totalSteps: config.epochs * batches,
      lastStep: Math.min(steps ?? Number.POSITIVE_INFINITY, config.epochs * batches),
      network: trainingOf(Network.of(network)),
      epoch: (epoch, from) => train.epoch(epoch, { from, length, ...stop }),
      step: (batch, settings) => this.#step(batch, settings),
      validate: validation && (() => engine.validate(validation.epoch(0, { length, ...stop }), validated)),
      log: line => run.log(line),
      save: async state => {
        const folder = await run.save({ ...model, ...(await engine.readState()), state });
        this.#saved = { step: state.step, folder };
        return folder;
      },
      publish: async () => run.publish({ ...model, weights: await engine.readModel() }),
    };
  }

  /** A step that gives no numbers has changed nothing: what it was made of is still there to be looked at. */
  async #step(batch: Batch, settings: StepSettings): Promise<StepResult> {
    try {
      return await this.engine.step(batch, settings);
    } catch (error) {
      // the step's own error counts, whatever becomes of the search
      if (error instanceof TmcaError && error.code === 'MODEL_NOT_FINITE')
        this.#notFinite = await this.engine.firstNotFinite(batch).catch(() => null);
      throw error;
    }
  }

  /** Parameters and moments onto the device; the state that they belong to. */
  async #load(): Promise<TrainState> {
    const { checkpoint, config, init, network, asked } = this.beginning;
    const { engine } = this;
    // A run goes on in the micro-batches that it began with, whatever the device of another day would choose.
    const { microBatch } = engine.taken;
    const added = { [DATA_KEY]: this.data.digest, ...(asked && { [ASKED_KEY]: asked }) };
    const saved = { ...trainConfigToJson({ ...config, microBatch }), ...added };
    if (checkpoint) {
      const model = await checkpoint.openModel();
      try {
        await engine.resume(model.weights, await checkpoint.openOptimizer(), checkpoint.state.step);
      } finally {
        await model.close();
      }
      return { ...checkpoint.state, config: saved };
    }
    const shapes = Network.of(network).parameters;
    const parameters = initialParameters(init, shapes, config.seed);
    const note = init && describeInitial(parameters, shapes.size);
    if (note) this.emit({ kind: 'note', text: note });
    await engine.start(parameters);
    const { seed } = config;
    // in the order of state.json, so that a resumed run writes the same file
    return { step: 0, epoch: 0, batch: 0, seed, rng: null, best: null, epochsSinceBest: 0, config: saved };
  }

  #announce({ batches, lastStep }: LoopParts, state: TrainState): void {
    const { network, config } = this.beginning;
    const { adapter, reason, bytes } = this.engine;
    const shapes = [...Network.of(network).parameters];
    const total = (list: typeof shapes) => list.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
    const learned = shapes.filter(([name]) => !/\.running_(mean|var)$/.test(name));
    this.emit({
      kind: 'start',
      summary: {
        ...{ out: this.options.out, model: network.name, seed: config.seed, batch: config.batch, adapter },
        parameters: total(learned),
        trained: total(learned.filter(([name]) => this.engine.isTrained(name))),
        records: this.data.train.records.length,
        validationRecords: this.data.validation?.records.length ?? 0,
        ...{ stepsPerEpoch: batches, steps: lastStep, done: state.step, textLength: this.data.length },
        ...{ reason, gpuBytes: bytes },
      },
    });
  }
}
