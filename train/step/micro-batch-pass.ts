// A batch in micro-batches: memory for a few images at a time, the contrast still over all (model/micro-batches.ts).

import type { BufferRange, CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import { parameterInput } from '../../graph/passes/parameters-as-inputs.js';
import { derivativeName, featureName } from '../../networks/micro-batches.js';
import type { LossValues } from '../../networks/training.js';
import { type Scalars, trainingOf } from '../../networks/training-registry.js';
import type { Plan } from '../../runtime/engines/webgpu/plan.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';
import {
  type Batch,
  copyRange,
  type GradientPass,
  inputOf,
  oneNumber,
  type PassContext,
  planOf,
  writeBatch,
  writeScalars,
} from './gradient-pass.js';
import { type BoundProgram, batchInputs, type TrainingPrograms } from './programs.js';

/** Places in a buffer begin at multiples of this number of bytes, where a binding may begin on any device. */
const ALIGNMENT = 256;

interface Plans {
  readonly backward: Plan;
  readonly contrast: { readonly forward: Plan; readonly loss: Plan } | null;
}

/** Running statistics between the micro-batches of one batch: what the arena holds changes only when the step is taken. */
class RunningStatistics {
  private constructor(
    private readonly gpu: GpuDevice,
    private readonly places: ReadonlyMap<string, BufferRange>,
    private readonly buffer: GPUBuffer,
  ) {}

  static async create({ gpu, arena }: PassContext, names: readonly string[]): Promise<RunningStatistics> {
    let end = 0;
    const places = names.map(name => {
      const { size } = arena.range('parameters', name);
      const offset = end;
      end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
      return { name, offset, size };
    });
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = await gpu.createBuffer({ label: 'statistics', size: Math.max(end, 4), usage, kind: 'other' });
    const ranges = places.map(({ name, offset, size }) => [name, { buffer, offset, size }] as const);
    return new RunningStatistics(gpu, new Map(ranges), buffer);
  }

  range(name: string): BufferRange {
    return this.places.get(name)!;
  }

  from(encoder: GPUCommandEncoder, source: (name: string) => BufferRange): void {
    for (const [name, to] of this.places) copyRange(encoder, source(name), to);
  }

  into(encoder: GPUCommandEncoder, arena: ParameterArena): void {
    for (const [name, from] of this.places) copyRange(encoder, from, arena.range('parameters', name));
  }

  dispose(): void {
    this.gpu.destroyBuffer(this.buffer);
  }
}

export class MicroBatches implements GradientPass {
  private constructor(
    private readonly context: PassContext,
    private readonly programs: TrainingPrograms,
    private readonly plans: Plans,
    private readonly running: RunningStatistics,
    /** Micro-batches of a batch. */
    private readonly count: number,
  ) {}

  /** @param count micro-batches of a batch */
  static async create(context: PassContext, programs: TrainingPrograms, count: number): Promise<MicroBatches> {
    const made: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const running = keep(await RunningStatistics.create(context, programs.statistics));
      const plan = async (bound: BoundProgram, label: string) =>
        keep(await planOf(context, bound, label, name => running.range(name)));
      const { contrast } = programs;
      const plans = {
        backward: await plan(programs.backward, 'backward'),
        contrast: contrast
          ? { forward: await plan(contrast.forward, 'features'), loss: await plan(contrast.loss, 'contrast') }
          : null,
      };
      return new MicroBatches(context, programs, plans, running, count);
    } catch (error) {
      for (const each of made.reverse()) each.dispose();
      throw error;
    }
  }

  get dispatches(): number {
    const { backward, contrast } = this.plans;
    const each = backward.dispatches + (contrast?.forward.dispatches ?? 0);
    return this.count * each + (contrast?.loss.dispatches ?? 0);
  }

  get arenaBytes(): number {
    const { backward, contrast } = this.plans;
    return backward.arenaBytes + (contrast ? contrast.forward.arenaBytes + contrast.loss.arenaBytes : 0);
  }

  get commands(): readonly CommandPlan[] {
    const { backward, contrast } = this.plans;
    const eachTime = ({ commands }: Plan) => Array<CommandPlan>(this.count).fill(commands);
    return [...(contrast ? [...eachTime(contrast.forward), contrast.loss.commands] : []), ...eachTime(backward)];
  }

  get lossRanges(): readonly BufferRange[] {
    const { backward, contrast } = this.plans;
    const outputs = this.programs.losses.map(name => backward.output(name));
    const across = contrast ? this.#acrossBatch.map(name => contrast.loss.output(name)) : [];
    return [...outputs, ...across].map(({ range }) => oneNumber(range));
  }

  losses(values: readonly number[], scalars: Scalars): LossValues {
    const { losses } = trainingOf(this.context.network);
    const ofImages = this.programs.losses.map((name, i) => [name, values[i]!] as const);
    const across = this.#acrossBatch.map((name, i) => [name, values[ofImages.length + i] ?? 0] as const);
    // In single precision and in the graph's order, so that the sum is that of a whole batch.
    let loss = ofImages.map(([, value]) => value).reduce((sum, value) => Math.fround(sum + value));
    for (const [name, value] of across) {
      const weight = Math.fround(scalars[losses.acrossBatch[name]!]!);
      loss = Math.fround(loss + Math.fround(value * weight));
    }
    return { loss, ...Object.fromEntries([...ofImages, ...across]) };
  }

  encode(batch: Batch, scalars: Scalars, encoder: GPUCommandEncoder): void {
    const { backward } = this.plans;
    const inputs = batchInputs(this.context.network);
    this.#contrast(batch, scalars);
    for (let k = 0; k < this.count; k++) {
      writeBatch(backward, inputs, batch, k, this.count);
      if (k === this.count - 1) this.#backward(k, encoder);
      else this.#submit('backward', each => this.#backward(k, each));
    }
  }

  encodeStatistics(encoder: GPUCommandEncoder): void {
    this.running.into(encoder, this.context.arena);
  }

  dispose(): void {
    const { backward, contrast } = this.plans;
    for (const each of [backward, contrast?.forward, contrast?.loss, this.running]) each?.dispose();
  }

  get #acrossBatch(): readonly string[] {
    return Object.keys(trainingOf(this.context.network).losses.acrossBatch);
  }

  /** The derivatives of the losses across the batch by what every micro-batch brings to them. */
  #contrast(batch: Batch, scalars: Scalars): void {
    const { contrast: plans } = this.plans;
    const { contrast } = this.programs;
    if (!plans || !contrast) return;
    const { forward, loss } = plans;
    for (let k = 0; k < this.count; k++) {
      const read = forward.inputNames.filter(name => inputOf(batch, name) !== null);
      writeBatch(forward, read, batch, k, this.count);
      this.#submit('features', encoder => {
        forward.encode(encoder);
        for (const { name, channels } of contrast.features) {
          const { range } = loss.input(parameterInput(featureName(name)));
          copyRange(encoder, forward.output(featureName(name)).range, this.#rows(range, channels, k));
        }
      });
    }
    writeBatch(loss, ['target'], batch);
    writeScalars(loss, scalars);
    this.#submit('contrast', encoder => loss.encode(encoder));
  }

  #backward(k: number, encoder: GPUCommandEncoder): void {
    const { backward, contrast } = this.plans;
    const { arena } = this.context;
    if (k === 0) {
      arena.clear(encoder, 'gradients');
      for (const name of this.programs.losses) {
        const { buffer, offset, size } = backward.output(name).range;
        encoder.clearBuffer(buffer, offset, size);
      }
      this.running.from(encoder, name => arena.range('parameters', name));
    }
    for (const { name, channels } of this.programs.contrast?.features ?? []) {
      const derivatives = contrast!.loss.output(derivativeName(name)).range;
      copyRange(encoder, this.#rows(derivatives, channels, k), backward.input(derivativeName(name)).range);
    }
    backward.encode(encoder);
    this.running.from(encoder, name => backward.output(name).range);
  }

  /** Rows of micro-batch `k` in a tensor [B,channels]. */
  #rows({ buffer, offset }: BufferRange, channels: number, k: number): BufferRange {
    const size = 4 * channels * (this.plans.backward.input('image').shape[0] as number);
    return { buffer, offset: offset + k * size, size };
  }

  #submit(label: string, encode: (encoder: GPUCommandEncoder) => void): void {
    const { device } = this.context.gpu;
    const encoder = device.createCommandEncoder({ label });
    encode(encoder);
    device.queue.submit([encoder.finish()]);
  }
}
