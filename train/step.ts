// One training step on the device: forward, losses, backward, optimiser, in one submission. Parameters and gradients lie in
// the arena; what the graph makes in between lies in the plan's own.

import type { Assembly } from '../assembly/index.js';
import { check } from '../errors/index.js';
import type { BufferRange } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import { PipelineCache } from '../gpu/pipelines.js';
import { Readback } from '../gpu/readback.js';
import type { Config } from '../model/config.js';
import { lower, type Program } from '../model/lower.js';
import { parameterInput, parametersAsInputs } from '../model/passes/parameters-as-inputs.js';
import { type TrainingOptions, trainingGraph } from '../model/training.js';
import type { TrainingLosses } from '../runtime/gradients.js';
import { expectedParameters } from '../runtime/inspect.js';
import { bytesOfView } from '../runtime/webgpu/encode.js';
import { Plan } from '../runtime/webgpu/plan.js';
import { noParameters } from '../runtime/webgpu/run-graph.js';
import { WeightStore } from '../runtime/webgpu/weights.js';
import { AdamW, type AdamWOptions } from './adamw.js';
import { ParameterArena } from './parameter-arena.js';

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

export interface StepOptions extends TrainingOptions {
  readonly batch: number;
  /** Padded length of the texts. */
  readonly length: number;
  readonly optimiser?: AdamWOptions;
}

const LOSSES = ['loss', 'segmentation', 'contrastive'] as const;
const INPUTS = ['image', 'ids', 'mask', 'target'] as const;
const gradientOutput = (name: string): string => `gradient:${name}`;

/** A buffer to be copied after the dispatches: what could not be written in its place. */
interface Copy {
  readonly from: string;
  readonly to: BufferRange;
}

/** The program of a step, and which of its buffers lie in the arena. */
function bindArena(program: Program, arena: ParameterArena): { external: Map<number, BufferRange>; copies: Copy[] } {
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
  for (const name of Object.keys(program.outputs)) {
    if (names.has(name)) copies.push({ from: name, to: arena.range('parameters', name) });
  }
  return { external, copies };
}

export class TrainingStep {
  #steps = 0;

  private constructor(
    private readonly gpu: GpuDevice,
    readonly arena: ParameterArena,
    private readonly optimiser: AdamW,
    private readonly plan: Plan,
    private readonly copies: readonly Copy[],
    private readonly constants: WeightStore,
    private readonly readback: Readback,
  ) {}

  /** Plans a step. The arena holds zeros until it is loaded. Errors: those of planning, GPU_LIMIT, GPU_OUT_OF_MEMORY. */
  static async create(gpu: GpuDevice, assembly: Assembly, config: Config, options: StepOptions): Promise<TrainingStep> {
    const { losses, gradients, statistics } = trainingGraph(config, options.batch, options.length, options);
    const named = Object.entries(gradients).map(([name, t]) => [gradientOutput(name), t] as const);
    const graph = parametersAsInputs({ ...losses, ...statistics, ...Object.fromEntries(named) });
    const program = lower(graph, { weights: 'f32' });
    const pipelines = new PipelineCache(gpu);
    const made: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const trained = new Set(Object.keys(gradients));
      const arena = keep(await ParameterArena.create(gpu, expectedParameters(config), trained));
      const constants = keep(await WeightStore.load(gpu, assembly, [program], noParameters));
      const { external, copies } = bindArena(program, arena);
      const where = { rewritten: INPUTS, external };
      const plan = keep(await Plan.create(gpu, pipelines, program, constants, 'step', where));
      const optimiser = await AdamW.create(pipelines, arena, options.optimiser);
      return new TrainingStep(gpu, arena, optimiser, plan, copies, constants, new Readback(gpu));
    } catch (error) {
      for (const part of made.reverse()) part.dispose();
      throw error;
    }
  }

  /** Steps taken. */
  get steps(): number {
    return this.#steps;
  }

  get dispatches(): number {
    return this.plan.dispatches;
  }

  get arenaBytes(): number {
    return this.plan.arenaBytes;
  }

  /**
   * Takes one step and answers with the losses before it.
   *
   * Errors: BAD_ARGUMENT (a batch of another size), MODEL_NOT_FINITE (a loss that is no number: the parameters are spoilt),
   * DEVICE_LOST, DISPOSED.
   */
  async run(batch: Batch, lr: number): Promise<TrainingLosses> {
    for (const name of INPUTS) {
      const bytes = bytesOfView(batch[name]);
      const { shape } = this.plan.input(name);
      const expected = shape.reduce((product, n) => product * n, 4);
      check(
        bytes.length === expected,
        'BAD_ARGUMENT',
        () => `TrainingStep.run: ${name} must be [${shape}], got ${batch[name].length} numbers`,
      );
      this.plan.write(name, bytes);
    }
    const encoder = this.gpu.device.createCommandEncoder({ label: 'step' });
    this.plan.encode(encoder);
    for (const { from, to } of this.copies) {
      const { buffer, offset } = this.plan.output(from).range;
      encoder.copyBufferToBuffer(buffer, offset, to.buffer, to.offset, to.size);
    }
    this.#steps++;
    this.optimiser.encode(encoder, lr, this.#steps);
    this.gpu.device.queue.submit([encoder.finish()]);
    const values = await Promise.all(LOSSES.map(name => this.readback.read(this.plan.output(name).range)));
    this.gpu.check('TrainingStep.run');
    const [loss, segmentation, contrastive] = values.map(
      bytes => new Float32Array(bytes.buffer, bytes.byteOffset, 1)[0]!,
    );
    check(
      Number.isFinite(loss!),
      'MODEL_NOT_FINITE',
      `TrainingStep.run: the loss must be a number, got ${loss} in step ${this.#steps}; go back to the last checkpoint with a lower rate`,
    );
    return { loss: loss!, segmentation: segmentation!, contrastive: contrastive! };
  }

  dispose(): void {
    this.optimiser.dispose();
    this.plan.dispose();
    this.constants.dispose();
    this.readback.dispose();
    this.arena.dispose();
  }
}
