// Training step by step, wherever WebGPU is: a page hands over pictures, masks and sentences and gets losses, gradients and the
// model's bytes. The loop with its data sets, checkpoints on disk and reports is train/run, in Node.

import { loadAssembly } from '../assembly/index.js';
import { checkArgument, checkOptions, requireOptions } from '../errors/arguments.js';
import { check, throwIfAborted } from '../errors/index.js';
import { type ModelFolder, openModelFolder, webIo } from '../formats/model-folder/index.js';
import { encodeSafetensors, memorySource, openSafetensors } from '../formats/safetensors/index.js';
import type { GpuDevice } from '../gpu/device.js';
import { openDevice } from '../gpu/open-device.js';
import { Readback } from '../gpu/readback.js';
import type { Shape } from '../graph/graph.js';
import { type Config, parseConfig } from '../networks/config.js';
import { Network } from '../networks/network.js';
import { PRESETS, type Preset } from '../networks/presets.js';
import type { LossValues } from '../networks/training.js';
import { SerialQueue } from '../runtime/serial-queue.js';
import { type Example, Examples } from './batch/page-batch.js';
import { configured, parseTrainConfig, type TrainConfig } from './config.js';
import { initialParameters } from './parameters/starting-parameters.js';
import { readModel, readState } from './parameters/state-tensors.js';
import { openConfiguredStep, resumeStep, startStep } from './step/configured-step.js';
import type { MemoryPlan } from './step/memory-plan.js';
import type { StepSettings, TrainingStep } from './step/step.js';

/** `navigator.gpu`, or what stands for it: spelt out, since not every project's `lib` has the names of WebGPU. */
export interface WebGpu {
  requestAdapter(options?: object): Promise<object | null>;
}

export interface TrainerOptions {
  /** Address of a model folder to start from: its network, vocabulary and weights. */
  readonly model?: string;
  /** Without a model: the network to train from nothing, as the content of a config.json. */
  readonly network?: Readonly<Record<string, unknown>>;
  /** Content of vocab.txt; the model's if not given. */
  readonly vocab?: Uint8Array;
  /**
   * What `tmca train --config` reads: a preset's name or the content of a file. batch, lr, weight_decay, clip, ema, freeze, thaw,
   * lr_scale, contrastive_weight, micro_batch, recompute and seed count here, and a preset's network where there is no other.
   */
  readonly settings?: Preset | Readonly<Record<string, unknown>>;
  /** Tokens to which sentences are padded, and at which they are cut. The network's limit, or 64 if that is more. */
  readonly textLength?: number;
  /** Bytes of the device that a step may take. */
  readonly memory?: number;
  /** `webgpu` takes an adapter that runs on the CPU too; `auto` refuses it. */
  readonly device?: 'auto' | 'webgpu';
  /** What `checkpoint` gave, of a trainer with the same options. */
  readonly checkpoint?: Uint8Array;
  /** `navigator.gpu` if not given. */
  readonly gpu?: WebGpu;
  /** Told what a step takes, before it is taken; again, with less, where the device cannot give it. */
  readonly onPlan?: (plan: MemoryPlan) => void;
  /** A signal that stops the opening, and nothing after it. */
  readonly signal?: AbortSignal;
}

export interface TrainerStep {
  /** The training loss before the step. */
  readonly loss: number;
  /** The loss and its parts, under the names that the network gives them. */
  readonly losses: LossValues;
  /** The norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  /** Steps taken, with this one. */
  readonly step: number;
  /** Which of the sentences were cut. */
  readonly truncated: readonly number[];
}

/** A tensor under a parameter's checkpoint name, in its checkpoint shape. */
export type NamedTensors = ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;

const LONGEST = 64;

const KINDS = {
  model: 'string',
  network: 'record',
  vocab: 'bytes',
  textLength: 'number',
  memory: 'number',
  checkpoint: 'bytes',
  gpu: 'record',
  onPlan: 'function',
  signal: 'AbortSignal',
} as const;

/** What a trainer is made of, and lets go of. */
interface Parts {
  readonly gpu: GpuDevice;
  readonly step: TrainingStep;
  readonly examples: Examples;
  readonly readback: Readback;
}

/**
 * A network in training on one device. Calls run one after another.
 *
 * Memory is planned first: the whole batch, or recomputation, or micro-batches, or GPU_LIMIT with the figures. The same
 * steps on the same device give the same bits.
 *
 * @example
 * const trainer = await Trainer.create({ model: '/models/nano', settings: { batch: 4, lr: 1e-4, freeze: ['text_encoder'] } });
 * for (const examples of batches) console.log((await trainer.step(examples)).loss); // [{ image, mask, text }, …], four each
 * const bytes = await trainer.weights(); // a model.safetensors for the same folder
 * trainer.dispose();
 */
export class Trainer {
  #disposed = false;
  readonly #queue = new SerialQueue();

  private constructor(
    /** The network. */
    readonly config: Config,
    /** The settings, with their defaults. */
    readonly settings: TrainConfig,
    /** What a step takes of the device. */
    readonly plan: MemoryPlan,
    private readonly parts: Parts,
  ) {}

  /**
   * Errors: BAD_ARGUMENT (no network, no vocabulary, a text length beyond the network's), CONFIG_INVALID, those of a model folder,
   * of the device (NO_WEBGPU, NO_ADAPTER, GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST), MODEL_INCOMPLETE and SHAPE_MISMATCH of a
   * checkpoint that is another network's, ABORTED.
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    checkOptions('Trainer.create', options, KINDS);
    const { signal } = options;
    throwIfAborted(signal, 'Trainer.create');
    const settings = settingsOf(options);
    const folder =
      options.model === undefined ? null : await openModelFolder(options.model, webIo, signal ? { signal } : {});
    try {
      return await open(options, settings, folder, (...parts) => new Trainer(...parts));
    } finally {
      await folder?.close();
    }
  }

  /** Steps taken, those of a checkpoint included. */
  get steps(): number {
    return this.parts.step.steps;
  }

  /**
   * One step on a batch of examples, as many as the settings say: losses as they were before it, and the norm of all gradients.
   * Where it fails, nothing has changed.
   *
   * @param rates learning rate (the settings' if not given) and weights of losses across the batch
   *
   * Errors: BAD_ARGUMENT, TEXT_EMPTY, IMAGE_TOO_LARGE (the examples), MODEL_NOT_FINITE (lower the rate), DEVICE_LOST, DISPOSED.
   */
  step(examples: readonly Example[], rates: Partial<StepSettings> = {}): Promise<TrainerStep> {
    return this.#inTurn('step', async ({ step, examples: read }) => {
      const { batch, lr } = this.settings;
      checkArgument('Trainer.step', 'the batch', examples, 'array', 'give examples as { image, mask, text }');
      for (const example of examples)
        requireOptions('Trainer.step', example, { image: 'record', mask: 'record', text: 'string' });
      checkOptions('Trainer.step', rates, { lr: 'number', contrastiveWeight: 'number' });
      check(
        examples.length === batch,
        'BAD_ARGUMENT',
        `Trainer.step: a batch must have ${batch} examples, got ${examples.length}; change "batch" of the settings`,
      );
      const { truncated, ...inputs } = read.batch(examples);
      const { gradientNorm, ...losses } = await step.run(inputs, { lr, ...rates });
      return { loss: losses.loss, losses, gradientNorm, step: step.steps, truncated };
    });
  }

  /** The last step's gradients of every trained parameter, clipped if the settings say so; zeros before the first. */
  gradients(): Promise<NamedTensors> {
    return this.#inTurn('gradients', ({ step, readback }) => step.arena.read(readback, 'gradients'));
  }

  /** The model as a model.safetensors: the moving average where the settings have one. */
  weights(): Promise<Uint8Array> {
    return this.#inTurn('weights', async ({ step, readback }) =>
      encodeSafetensors(await readModel(step.arena, readback), { format: 'pt' }),
    );
  }

  /** Everything that a trainer needs to go on where this one is, bit for bit. */
  checkpoint(): Promise<Uint8Array> {
    return this.#inTurn('checkpoint', async ({ step, readback }) => {
      const { weights, optimizer } = await readState(step.arena, readback);
      return encodeSafetensors([...weights, ...optimizer], { steps: `${step.steps}` });
    });
  }

  /** Frees all memory of the device. Twice is fine; calls under way reject. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { gpu, step, examples, readback } = this.parts;
    readback.dispose();
    step.dispose();
    examples.dispose();
    gpu.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #inTurn<T>(name: string, work: (parts: Parts) => Promise<T>): Promise<T> {
    const where = `Trainer.${name}`;
    return this.#queue.run(async () => {
      check(!this.#disposed, 'DISPOSED', `${where}: the trainer must be live, got a disposed one; make a new one`);
      return work(this.parts);
    }, where);
  }
}

function settingsOf({ settings = {} }: TrainerOptions): TrainConfig {
  if (typeof settings !== 'string') return parseTrainConfig(settings, 'the settings');
  check(Object.hasOwn(PRESETS, settings), 'BAD_ARGUMENT', () => {
    return `Trainer.create: settings must be ${Object.keys(PRESETS).join(' or ')} or an object, got "${settings}"`;
  });
  return parseTrainConfig(PRESETS[settings], `preset ${settings}`);
}

function networkOf({ network }: TrainerOptions, settings: TrainConfig, folder: ModelFolder | null): Config {
  const config = folder?.config ?? (network ? parseConfig(network, 'the network') : settings.model);
  check(
    config,
    'BAD_ARGUMENT',
    'Trainer.create: there must be a network, got none; name a model, a network or a preset',
  );
  return configured(config, settings);
}

function lengthOf({ textLength }: TrainerOptions, config: Config): number {
  const { maxTextLength } = Network.of(config);
  if (maxTextLength === 0) return 0;
  const length = textLength ?? Math.min(maxTextLength, LONGEST);
  check(
    Number.isInteger(length) && length >= 2 && length <= maxTextLength,
    'BAD_ARGUMENT',
    `Trainer.create: textLength must be a whole number from 2 to ${maxTextLength}, got ${length}`,
  );
  return length;
}

type Make = (config: Config, settings: TrainConfig, plan: MemoryPlan, parts: Parts) => Trainer;

async function open(
  options: TrainerOptions,
  settings: TrainConfig,
  folder: ModelFolder | null,
  make: Make,
): Promise<Trainer> {
  const config = networkOf(options, settings, folder);
  const length = lengthOf(options, config);
  const reads = Network.of(config).text !== null;
  const vocab = reads ? (options.vocab ?? folder?.vocab ?? null) : null;
  const rule = 'Trainer.create: there must be a vocabulary, got none; pass the content of a vocab.txt';
  check(vocab || !reads, 'BAD_ARGUMENT', rule);
  const assembly = await loadAssembly();
  const made: { dispose(): void }[] = [];
  const keep = <T extends { dispose(): void }>(part: T): T => {
    made.push(part);
    return part;
  };
  try {
    const examples = keep(new Examples(assembly, config, vocab, length));
    const gpu = keep(await openDevice(deviceOptions(options)));
    const { memory, onPlan } = options;
    const fitting = { length, validation: false, memory, onPlan };
    const { step, plan } = await openConfiguredStep(gpu, assembly, config, settings, fitting);
    keep(step);
    await start(step, options, settings, config, folder);
    throwIfAborted(options.signal, 'Trainer.create');
    return make(config, settings, plan, { gpu, step, examples, readback: keep(new Readback(gpu)) });
  } catch (error) {
    for (const part of made.reverse()) part.dispose();
    throw error;
  }
}

function deviceOptions({ gpu, device = 'auto', signal }: TrainerOptions) {
  const found = (gpu as GPU | undefined) ?? (typeof navigator === 'undefined' ? undefined : navigator.gpu);
  return { gpu: found, prefer: device === 'auto' ? 'hardware' : 'any', signal } as const;
}

/** Puts the checkpoint's state onto the device, or a beginning. */
async function start(
  step: TrainingStep,
  { checkpoint }: TrainerOptions,
  { seed }: TrainConfig,
  config: Config,
  folder: ModelFolder | null,
): Promise<void> {
  if (checkpoint) {
    const file = await openSafetensors(memorySource(checkpoint, 'the checkpoint'));
    const steps = Number(file.header.metadata.steps);
    check(
      Number.isInteger(steps) && steps >= 0,
      'MODEL_INCOMPLETE',
      'Trainer.create: checkpoint must be what Trainer.checkpoint gave, got a file that tells no steps; start from its weights as a model',
    );
    return resumeStep(step, file, file, steps);
  }
  await startStep(step, initialParameters(folder, Network.of(config).parameters, seed));
}
