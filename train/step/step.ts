// One training step on the device, in two submissions: forward, losses and backward with the norm of all gradients; then,
// once the host has seen that these are numbers, clipping, AdamW and the moving average. So a step that goes wrong changes
// nothing, and the parameters before it can still be saved. Parameters and gradients lie in the arena; what fills it with a
// batch's gradients, at once or in micro-batches, is a pass of gradient-pass.ts.

import type { Assembly } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import type { CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import type { Recompute } from '../../graph/passes/recompute.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { LossValues } from '../../networks/training.js';
import { type Scalars, trainingOf } from '../../networks/training-registry.js';
import { ParameterArena, type Trained } from '../parameters/parameter-arena.js';
import { AdamW, type AdamWOptions } from './adamw.js';
import { WeightAverage } from './average.js';
import { GradientNorm } from './clip.js';
import { type Batch, type GradientPass, loadConstants, WholeBatch } from './gradient-pass.js';
import { MicroBatches } from './micro-batch-pass.js';
import { trainingPrograms } from './programs.js';

export type { Batch } from './gradient-pass.js';

export interface StepOptions {
  readonly batch: number;
  /** Padded length of the texts. */
  readonly length: number;
  /** What is trained, and how fast; everything at the schedule's rate if not given. */
  readonly trained?: Trained;
  readonly optimiser?: AdamWOptions;
  /** Largest norm of all gradients together; 0, off, if not given. */
  readonly clip?: number;
  /** Decay a step of a moving average of the weights; 0, none, if not given. */
  readonly ema?: number;
  /** Images in memory at a time; divides the batch, and is the whole of it if not given (`micro-batch-pass.ts`). */
  readonly microBatch?: number;
  /** What the backward pass computes again rather than keep; nothing if not given. */
  readonly recompute?: Recompute;
}

/** The schedule's word on one step. */
export interface StepSettings {
  readonly lr: number;
  /** Weights of losses across the batch; the configuration's where not given. */
  readonly scalars?: Scalars;
}

export interface StepResult extends LossValues {
  /** The norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
}

/** Everything of a step that holds memory of the device. */
interface Parts {
  readonly pass: GradientPass;
  readonly norm: GradientNorm;
  readonly optimiser: AdamW;
  readonly average: WeightAverage | null;
  readonly readback: Readback;
  /** Losses, then the squares of the norm: what a step says, in one reading. */
  readonly results: GPUBuffer;
}

export class TrainingStep {
  #steps = 0;

  private constructor(
    private readonly gpu: GpuDevice,
    private readonly network: Network,
    readonly arena: ParameterArena,
    private readonly parts: Parts,
    private readonly made: readonly { dispose(): void }[],
  ) {}

  /** Plans a step. The arena holds zeros until it is loaded. Errors: those of planning, GPU_LIMIT, GPU_OUT_OF_MEMORY. */
  static async create(gpu: GpuDevice, assembly: Assembly, config: Config, options: StepOptions): Promise<TrainingStep> {
    const { trained: asked, clip = 0, ema = 0, batch, microBatch = batch } = options;
    const network = Network.of(config);
    const programs = trainingPrograms(config, {
      ...{ batch, microBatch, length: options.length, recompute: options.recompute ?? 'none', tuning: gpu.tuning },
      ...(asked ? { trained: name => asked.has(name) } : {}),
    });
    const pipelines = new PipelineCache(gpu);
    const made: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const trained = new Map(programs.trained.map(name => [name, asked?.get(name) ?? 1]));
      const arena = keep(await ParameterArena.create(gpu, network.parameters, trained, { average: ema > 0 }));
      const constants = keep(await loadConstants(gpu, assembly, programs));
      const context = { network, gpu, pipelines, arena, constants };
      const pass = keep(
        await (microBatch === batch
          ? WholeBatch.create(context, programs)
          : MicroBatches.create(context, programs, batch / microBatch)),
      );
      const norm = keep(await GradientNorm.create(pipelines, arena, clip));
      const optimiser = keep(await AdamW.create(pipelines, arena, options.optimiser));
      const average = ema > 0 ? keep(await WeightAverage.create(pipelines, arena, ema)) : null;
      const readback = keep(new Readback(gpu, 1));
      const size = 4 * pass.lossRanges.length + norm.squares.size;
      const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const results = await gpu.createBuffer({ label: 'results', size, usage, kind: 'other' });
      keep({ dispose: () => gpu.destroyBuffer(results) });
      return new TrainingStep(gpu, network, arena, { pass, norm, optimiser, average, readback, results }, made);
    } catch (error) {
      for (const part of made.reverse()) part.dispose();
      throw error;
    }
  }

  /** Steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /** Goes on after `steps` steps, whose moments the arena has been loaded with. */
  resumeAt(steps: number): void {
    this.#steps = steps;
  }

  get dispatches(): number {
    return this.parts.pass.dispatches;
  }

  get arenaBytes(): number {
    return this.parts.pass.arenaBytes;
  }

  /** Everything that a step dispatches, for benchmarks: the batch's gradients, their norm, clipping, AdamW and the average. */
  get commands(): readonly CommandPlan[] {
    const { pass, norm, optimiser, average } = this.parts;
    return [...pass.commands, ...norm.commands, optimiser.commands, ...(average ? [average.commands] : [])];
  }

  /**
   * Takes one step and answers with the losses before it. Where it fails, nothing has changed but the gradients.
   *
   * Errors: BAD_ARGUMENT (a batch of another size), MODEL_NOT_FINITE (a loss or gradients that are no numbers), DEVICE_LOST,
   * DISPOSED.
   */
  async run(batch: Batch, { lr, scalars: given }: StepSettings): Promise<StepResult> {
    const scalars = { ...trainingOf(this.network).scalars, ...given };
    const { pass, norm, optimiser, average } = this.parts;
    this.#submit('step', encoder => {
      pass.encode(batch, scalars, encoder);
      norm.measure(encoder);
      this.#gather(encoder);
    });
    const result = await this.#results(scalars);
    this.#checkFinite(result);
    this.#submit('update', encoder => {
      norm.clip(encoder);
      optimiser.encode(encoder, lr, this.#steps + 1);
      pass.encodeStatistics(encoder);
      average?.encode(encoder, this.#steps + 1);
    });
    this.#steps++;
    return result;
  }

  dispose(): void {
    for (const part of [...this.made].reverse()) part.dispose();
  }

  #submit(label: string, encode: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.gpu.device.createCommandEncoder({ label });
    encode(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  #gather(encoder: GPUCommandEncoder): void {
    const { pass, norm, results } = this.parts;
    const ranges = [...pass.lossRanges.map(range => ({ ...range, size: 4 })), norm.squares];
    let at = 0;
    for (const { buffer, offset, size } of ranges) {
      encoder.copyBufferToBuffer(buffer, offset, results, at, size);
      at += size;
    }
  }

  async #results(scalars: Scalars): Promise<StepResult> {
    const { pass, readback, results } = this.parts;
    const { buffer } = await readback.read({ buffer: results, offset: 0, size: results.size });
    this.gpu.check('TrainingStep.run');
    const count = pass.lossRanges.length;
    const losses = [...new Float32Array(buffer, 0, count)];
    const gradientNorm = Math.sqrt(new Float32Array(buffer, 4 * count).reduce((sum, square) => sum + square, 0));
    return { ...pass.losses(losses, scalars), gradientNorm };
  }

  #checkFinite({ loss, gradientNorm }: StepResult): void {
    const where = `TrainingStep.run: step ${this.#steps + 1}`;
    const todo = 'go back to the last checkpoint with a lower rate';
    check(Number.isFinite(loss), 'MODEL_NOT_FINITE', `${where}: the loss must be a number, got ${loss}; ${todo}`);
    check(
      Number.isFinite(gradientNorm),
      'MODEL_NOT_FINITE',
      `${where}: gradients must be numbers, got a norm of ${gradientNorm}; ${todo}`,
    );
  }
}
