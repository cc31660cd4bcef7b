// One training step on the device, in two submissions: forward, losses and backward with the norm of all gradients; then,
// once the host has seen that these are numbers, clipping, AdamW and the moving average. So a step that goes wrong changes
// nothing, and the parameters before it can still be saved. Parameters and gradients lie in the arena; what the graph makes in
// between lies in the plan's own.

import type { Assembly } from '../assembly/index.js';
import { check } from '../errors/index.js';
import type { BufferRange } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import { PipelineCache } from '../gpu/pipelines.js';
import { Readback } from '../gpu/readback.js';
import type { Config } from '../model/config.js';
import { lower, type Program } from '../model/lower.js';
import { parameterInput, parametersAsInputs } from '../model/passes/parameters-as-inputs.js';
import type { Recompute } from '../model/passes/recompute.js';
import { trainingGraph } from '../model/training.js';
import type { TrainingLosses } from '../runtime/gradients.js';
import { expectedParameters } from '../runtime/inspect.js';
import { bytesOfView } from '../runtime/webgpu/encode.js';
import { Plan } from '../runtime/webgpu/plan.js';
import { noParameters } from '../runtime/webgpu/run-graph.js';
import { WeightStore } from '../runtime/webgpu/weights.js';
import { AdamW, type AdamWOptions } from './adamw.js';
import { WeightAverage } from './average.js';
import { GradientNorm } from './clip.js';
import { ParameterArena, type Trained } from './parameter-arena.js';

/** What a step reads, in the graph's layout. */
export interface Batch {
  /** [B,S,S,3], normalised. */
  readonly image: Float32Array;
  /** [B,L] */
  readonly ids: Int32Array;
  /** [B,L], 1 where there is a token. */
  readonly mask: Int32Array;
  /** [B,S,S,1], 0 or 1. */
  readonly target: Float32Array;
}

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
  /** What the backward pass computes again rather than keep; nothing if not given. */
  readonly recompute?: Recompute;
}

/** The schedule's word on one step. */
export interface StepSettings {
  readonly lr: number;
  /** The configuration's if not given. */
  readonly contrastiveWeight?: number;
}

export interface StepResult extends TrainingLosses {
  /** Of all gradients together, before clipping. */
  readonly gradientNorm: number;
}

const LOSSES = ['loss', 'segmentation', 'contrastive'] as const;
const INPUTS = ['image', 'ids', 'mask', 'target'] as const;
const gradientOutput = (name: string): string => `gradient:${name}`;

/** A buffer to be copied after the dispatches: what could not be written in its place. */
interface Copy {
  readonly from: string;
  readonly to: BufferRange;
}

interface Bound {
  /** Which of the program's buffers lie in the arena. */
  readonly external: ReadonlyMap<number, BufferRange>;
  readonly gradients: readonly Copy[];
  /** BatchNorm's running statistics: part of what the step changes. */
  readonly statistics: readonly Copy[];
}

function bindArena(program: Program, arena: ParameterArena): Bound {
  const external = new Map<number, BufferRange>();
  const copies: Copy[] = [];
  const read = new Set(program.calls.flatMap(c => c.bindings.flatMap(b => (b.access === 'read' ? [b.operand] : []))));
  const names = new Set(arena.names);
  for (const name of names) {
    const input = program.inputs[parameterInput(name)];
    if (input !== undefined) external.set(input, arena.range('parameters', name));
    const output = program.outputs[gradientOutput(name)];
    if (output === undefined) continue;
    const to = arena.range('gradients', name);
    // In its place, unless the buffer is another's too: a dispatch must not read the arena that it writes.
    const { role } = program.buffers[output.buffer]!;
    if (role === 'activation' && !read.has(output.buffer) && !external.has(output.buffer))
      external.set(output.buffer, to);
    else copies.push({ from: gradientOutput(name), to });
  }
  const statistics = Object.keys(program.outputs)
    .filter(name => names.has(name))
    .map(name => ({ from: name, to: arena.range('parameters', name) }));
  return { external, gradients: copies, statistics };
}

/** Everything of a step that holds memory of the device. */
interface Parts {
  readonly plan: Plan;
  readonly bound: Bound;
  readonly norm: GradientNorm;
  readonly optimiser: AdamW;
  readonly average: WeightAverage | null;
  readonly readback: Readback;
}

export class TrainingStep {
  #steps = 0;

  private constructor(
    private readonly gpu: GpuDevice,
    private readonly config: Config,
    readonly arena: ParameterArena,
    private readonly parts: Parts,
    private readonly made: readonly { dispose(): void }[],
  ) {}

  /** Plans a step. The arena holds zeros until it is loaded. Errors: those of planning, GPU_LIMIT, GPU_OUT_OF_MEMORY. */
  static async create(gpu: GpuDevice, assembly: Assembly, config: Config, options: StepOptions): Promise<TrainingStep> {
    const { trained: asked, clip = 0, ema = 0, recompute = 'none' } = options;
    const graph = trainingGraph(config, options.batch, options.length, {
      ...{ weightAsInput: true, recompute },
      ...(asked ? { trained: name => asked.has(name) } : {}),
    });
    const named = Object.entries(graph.gradients).map(([name, t]) => [gradientOutput(name), t] as const);
    const outputs = parametersAsInputs({ ...graph.losses, ...graph.statistics, ...Object.fromEntries(named) });
    const program = lower(outputs, { weights: 'f32' });
    const pipelines = new PipelineCache(gpu);
    const made: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const trained = new Map(Object.keys(graph.gradients).map(name => [name, asked?.get(name) ?? 1]));
      const arena = keep(await ParameterArena.create(gpu, expectedParameters(config), trained, { average: ema > 0 }));
      const constants = keep(await WeightStore.load(gpu, assembly, [program], noParameters));
      const bound = bindArena(program, arena);
      const where = { rewritten: INPUTS, external: bound.external };
      const plan = keep(await Plan.create(gpu, pipelines, program, constants, 'step', where));
      const norm = keep(await GradientNorm.create(pipelines, arena, clip));
      const optimiser = keep(await AdamW.create(pipelines, arena, options.optimiser));
      const average = ema > 0 ? keep(await WeightAverage.create(pipelines, arena, ema)) : null;
      const readback = keep(new Readback(gpu, LOSSES.length + 1));
      return new TrainingStep(gpu, config, arena, { plan, bound, norm, optimiser, average, readback }, made);
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
    return this.parts.plan.dispatches;
  }

  get arenaBytes(): number {
    return this.parts.plan.arenaBytes;
  }

  /**
   * Takes one step and answers with the losses before it. Where it fails, nothing has changed but the gradients.
   *
   * Errors: BAD_ARGUMENT (a batch of another size), MODEL_NOT_FINITE (a loss or gradients that are no numbers), DEVICE_LOST,
   * DISPOSED.
   */
  async run(
    batch: Batch,
    { lr, contrastiveWeight = this.config.contrastiveWeight }: StepSettings,
  ): Promise<StepResult> {
    this.#write(batch, contrastiveWeight);
    const { plan, bound, norm, optimiser, average } = this.parts;
    this.#submit('step', encoder => {
      plan.encode(encoder);
      this.#copy(bound.gradients, encoder);
      norm.measure(encoder);
    });
    const result = await this.#results();
    this.#checkFinite(result);
    this.#submit('update', encoder => {
      norm.clip(encoder);
      optimiser.encode(encoder, lr, this.#steps + 1);
      this.#copy(bound.statistics, encoder);
      average?.encode(encoder, this.#steps + 1);
    });
    this.#steps++;
    return result;
  }

  dispose(): void {
    for (const part of [...this.made].reverse()) part.dispose();
  }

  #write(batch: Batch, contrastiveWeight: number): void {
    const { plan } = this.parts;
    for (const name of INPUTS) {
      const bytes = bytesOfView(batch[name]);
      const { shape } = plan.input(name);
      const expected = shape.reduce((product, n) => product * n, 4);
      check(
        bytes.length === expected,
        'BAD_ARGUMENT',
        () => `TrainingStep.run: ${name} must be [${shape}], got ${batch[name].length} numbers`,
      );
      plan.write(name, bytes);
    }
    const weight = Float32Array.of(contrastiveWeight);
    if (plan.inputNames.includes('contrastiveWeight')) plan.write('contrastiveWeight', bytesOfView(weight));
  }

  #submit(label: string, encode: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.gpu.device.createCommandEncoder({ label });
    encode(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  #copy(copies: readonly Copy[], encoder: GPUCommandEncoder): void {
    for (const { from, to } of copies) {
      const { buffer, offset } = this.parts.plan.output(from).range;
      encoder.copyBufferToBuffer(buffer, offset, to.buffer, to.offset, to.size);
    }
  }

  async #results(): Promise<StepResult> {
    const { plan, norm, readback } = this.parts;
    const ranges = [...LOSSES.map(name => ({ ...plan.output(name).range, size: 4 })), norm.squares];
    const values = await Promise.all(ranges.map(range => readback.read(range)));
    this.gpu.check('TrainingStep.run');
    const [loss, segmentation, contrastive, squares] = values.map(({ buffer }) => new Float32Array(buffer));
    const gradientNorm = Math.sqrt(squares!.reduce((sum, square) => sum + square, 0));
    return { loss: loss![0]!, segmentation: segmentation![0]!, contrastive: contrastive![0]!, gradientNorm };
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
