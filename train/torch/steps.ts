// Steps by PyTorch, in a Python process: for a machine whose GPU PyTorch knows, and for one without a GPU, whose processor it uses
// better than a software adapter of WebGPU can. Data, schedule, checkpoints and files are those of every run.

import { type Assembly, type Evaluation, loadAssembly } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import { type SafetensorsFile, type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import { type Shape, sizeOf } from '../../graph/graph.js';
import { Network } from '../../networks/network.js';
import type { LossValues } from '../../networks/training.js';
import { trainingOf } from '../../networks/training-registry.js';
import type { AdapterSummary } from '../../runtime/types.js';
import { trainedParameters } from '../config.js';
import type { StepEngine, StepsOptions } from '../run/step-engine.js';
import { type Batch, inputOf } from '../step/gradient-pass.js';
import { scoreBatches } from '../step/score-batches.js';
import type { StepResult, StepSettings } from '../step/step.js';
import { torchModule } from './module.js';
import { type Carried, PythonProcess } from './process.js';
import worker from './worker.py?raw';

export interface TorchOptions {
  /** A Python that has PyTorch. */
  readonly python: string;
  /** What products of the network are computed in. Parameters, sums, losses and the optimiser are fp32 in either. */
  readonly precision: 'fp32' | 'bf16';
}

const MOMENTS = ['moment1', 'moment2'] as const;

/** Tensors of a file by name, as fp32. */
async function carried(stream: ParameterStream, wanted: (name: string) => boolean): Promise<Record<string, Carried>> {
  const tensors: Record<string, Carried> = {};
  for await (const tensor of stream.tensors())
    if (wanted(tensor.name)) tensors[tensor.name] = { shape: tensor.shape, data: toFloat32(tensor) };
  return tensors;
}

export class TorchSteps implements StepEngine {
  readonly taken: StepEngine['taken'];
  readonly bytes = 0;
  readonly #shapes: ReadonlyMap<string, Shape>;
  #steps = 0;

  private constructor(
    private readonly assembly: Assembly,
    private readonly options: StepsOptions,
    private readonly python: PythonProcess,
    private readonly trained: ReadonlyMap<string, number>,
    private readonly losses: readonly string[],
    /** Images that validate at a time. */
    private readonly validation: number,
    readonly precision: StepEngine['precision'],
    readonly adapter: AdapterSummary,
    readonly reason: string,
  ) {
    this.taken = { microBatch: options.config.batch, recompute: 'none' };
    this.#shapes = Network.of(options.network).parameters;
  }

  /** Errors: ENGINE_UNAVAILABLE (no Python, no PyTorch, micro-batches), ENGINE_FAILED, OUT_OF_MEMORY, CONFIG_INVALID. */
  static async open(options: StepsOptions, { python: command, precision }: TorchOptions): Promise<TorchSteps> {
    const { network: config, config: settings, length, validated, signal } = options;
    const { batch, microBatch, clip, ema, weightDecay } = settings;
    check(
      microBatch === 0 || microBatch === batch,
      'ENGINE_UNAVAILABLE',
      `train: PyTorch takes a batch as a whole, got micro_batch ${microBatch} of ${batch}; leave micro_batch out, or use --device webgpu`,
    );
    const network = Network.of(config);
    const validation = Math.max(1, Math.min(batch, validated));
    const module = torchModule(network, { batch, validation, length });
    const trained = trainedParameters(config, settings);
    const python = new PythonProcess(command, `${module.source}\n\n\n${worker}`);
    const stop = () => void python.dispose();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const constants = Object.fromEntries(
        [...module.constants].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
      );
      const told = {
        ...{ device: 'auto', precision, clip, ema, weight_decay: weightDecay },
        ...{ trained: Object.fromEntries(trained), losses: module.losses, statistics: module.statistics },
      };
      const { header } = await python.ask('open', { settings: told }, constants);
      const { version, device, where } = header as { readonly [key in 'version' | 'device' | 'where']: string };
      const description = `PyTorch ${version}, ${where}`;
      const adapter = {
        vendor: 'PyTorch',
        architecture: device,
        description,
        software: device === 'cpu',
        features: [],
      };
      const reason = `torch was asked for; it runs on ${where}`;
      const assembly = await loadAssembly();
      return new TorchSteps(assembly, options, python, trained, module.losses, validation, precision, adapter, reason);
    } catch (error) {
      await python.dispose();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  isTrained(name: string): boolean {
    return this.trained.has(name);
  }

  async start(parameters: ParameterStream): Promise<void> {
    const tensors = await carried(parameters, name => this.#shapes.has(name));
    for (const [name, shape] of this.#shapes)
      check(
        tensors[name]?.data.length === sizeOf(shape),
        'MODEL_INCOMPLETE',
        `train: the parameters must hold ${name} of ${sizeOf(shape)} numbers, got ${tensors[name]?.data.length ?? 'none'}`,
      );
    const ordered = [...this.#shapes].map(([name, shape]) => [name, { shape, data: tensors[name]!.data }]);
    await this.python.ask('load', {}, Object.fromEntries(ordered));
  }

  async resume(weights: ParameterStream, state: SafetensorsFile, steps: number): Promise<void> {
    await this.start(weights);
    const kinds = this.options.config.ema > 0 ? [...MOMENTS, 'average'] : MOMENTS;
    const tensors = await carried(state, name => kinds.some(kind => name.startsWith(`${kind}.`)));
    for (const kind of kinds)
      for (const name of kind === 'average' ? this.#shapes.keys() : this.trained.keys())
        check(
          tensors[`${kind}.${name}`],
          'MODEL_INCOMPLETE',
          `train: the checkpoint must hold ${kind}.${name}, got none; go on from an earlier one`,
        );
    await this.python.ask('resume', { steps }, tensors);
    this.#steps = steps;
  }

  async step(batch: Batch, { lr, scalars }: StepSettings): Promise<StepResult> {
    const { config, network } = this.options;
    const weights = { ...trainingOf(Network.of(network)).scalars, ...scalars };
    const numbers = Object.entries(weights).map(([name, value]) => [
      name,
      { shape: [1], data: Float32Array.of(value) },
    ]);
    const inputs = { ...this.#inputs(batch, config.batch, true), ...Object.fromEntries(numbers) };
    const { header } = await this.python.ask('step', { lr }, inputs);
    const { losses, norm } = header as {
      readonly losses: Readonly<Record<string, number | null>>;
      readonly norm: number | null;
    };
    const where = `train: step ${this.#steps + 1}`;
    for (const name of [...this.losses, 'the norm of the gradients'])
      check(
        (name in losses ? losses[name] : norm) !== null,
        'MODEL_NOT_FINITE',
        `${where}: ${name} must be a number, got none; go back to the last checkpoint with a lower rate`,
      );
    this.#steps++;
    return { ...(losses as Record<string, number> & LossValues), gradientNorm: norm! };
  }

  async firstNotFinite(): Promise<null> {
    return null;
  }

  async validate(batches: AsyncIterable<Batch>, onBatch: (images: number) => void): Promise<Evaluation> {
    const pixels = this.options.network.imageSize ** 2;
    const size = this.validation;
    const logits = async (part: Batch) => {
      const whole = filled(part, part.target.length / pixels, size);
      const { tensors } = await this.python.ask('logits', {}, this.#inputs(whole, size, false));
      return tensors.get('logits')!.data;
    };
    return scoreBatches(this.assembly, batches, { size, pixels, logits, onBatch });
  }

  async readState() {
    const weights = unprefixed(await this.#read(['parameters']));
    return { weights, optimizer: await this.#read([...MOMENTS, 'average']) };
  }

  async readModel(): Promise<SafetensorsTensor[]> {
    return unprefixed(await this.#read([this.options.config.ema > 0 ? 'average' : 'parameters']));
  }

  async dispose(): Promise<void> {
    await this.python.dispose();
  }

  /** Under `KIND.NAME`; kinds that the run does not have are left out. */
  async #read(kinds: readonly string[]): Promise<SafetensorsTensor[]> {
    const { tensors } = await this.python.ask('state', { kinds });
    return [...tensors].map(([name, { shape, data }]) => tensorOf(name, shape, data));
  }

  #inputs(batch: Batch, count: number, target: boolean): Record<string, Carried> {
    const { network, length } = this.options;
    const { imageSize: size } = network;
    const shapes = { image: [count, size, size, 3], ids: [count, length], mask: [count, length] };
    const inputs: Record<string, Carried> = {};
    for (const name of Network.of(network).inputs) inputs[name] = { shape: shapes[name], data: inputOf(batch, name)! };
    if (target) inputs.target = { shape: [count, size, size, 1], data: batch.target };
    return inputs;
  }
}

/** A batch of `count` images, filled up to `size` with copies of the last one. */
function filled(batch: Batch, count: number, size: number): Batch {
  const rows = Object.entries(batch).flatMap(([name, data]) => {
    if (!(data instanceof Float32Array || data instanceof Int32Array)) return [];
    const each = data.length / count;
    const whole = data instanceof Int32Array ? new Int32Array(each * size) : new Float32Array(each * size);
    whole.set(data);
    for (let i = count; i < size; i++) whole.copyWithin(i * each, (count - 1) * each, count * each);
    return [[name, whole] as const];
  });
  return Object.fromEntries(rows) as unknown as Batch;
}

const unprefixed = (tensors: readonly SafetensorsTensor[]): SafetensorsTensor[] =>
  tensors.map(tensor => ({ ...tensor, name: tensor.name.slice(tensor.name.indexOf('.') + 1) }));
