// A batch in micro-batches: memory for a few images at a time, the contrast still over all (model/micro-batches.ts).

import type { BufferRange, CommandPlan } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import { derivativeName, featureName } from '../model/micro-batches.js';
import { parameterInput } from '../model/passes/parameters-as-inputs.js';
import type { TrainingLosses } from '../runtime/gradients.js';
import { bytesOfView } from '../runtime/webgpu/encode.js';
import type { Plan } from '../runtime/webgpu/plan.js';
import {
  type Batch,
  checkBatch,
  copyRange,
  type GradientPass,
  oneNumber,
  type PassContext,
  planOf,
} from './gradient-pass.js';
import type { ParameterArena } from './parameter-arena.js';
import { type BoundProgram, INPUTS, type TrainingPrograms } from './programs.js';

/** Of places in a buffer: a binding may begin there on any device. */
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

/** Numbers `k` of `count` equal parts of a batch's array. */
function part<T extends Float32Array | Int32Array>(data: T, k: number, count: number): T {
  const size = data.length / count;
  return data.subarray(k * size, (k + 1) * size) as T;
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
    const outputs = [backward.output('segmentation'), ...(contrast ? [contrast.loss.output('contrastive')] : [])];
    return outputs.map(({ range }) => oneNumber(range));
  }

  losses([segmentation, contrastive = 0]: readonly number[], contrastiveWeight: number): TrainingLosses {
    const loss = Math.fround(segmentation! + Math.fround(contrastive * Math.fround(contrastiveWeight)));
    return { loss, segmentation: segmentation!, contrastive };
  }

  encode(batch: Batch, contrastiveWeight: number, encoder: GPUCommandEncoder): void {
    const { backward } = this.plans;
    const count = (name: string) => this.count * backward.input(name).shape.reduce((product, n) => product * n, 1);
    checkBatch(batch, { image: count('image'), ids: count('ids'), mask: count('mask'), target: count('target') });
    this.#contrast(batch, contrastiveWeight);
    for (let k = 0; k < this.count; k++) {
      for (const name of INPUTS)
        backward.write(name, bytesOfView(part<Float32Array | Int32Array>(batch[name], k, this.count)));
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

  /** The derivatives of the contrastive loss by what every micro-batch brings to it. */
  #contrast(batch: Batch, contrastiveWeight: number): void {
    const { contrast: plans } = this.plans;
    const { contrast } = this.programs;
    if (!plans || !contrast) return;
    const { forward, loss } = plans;
    for (let k = 0; k < this.count; k++) {
      for (const name of forward.inputNames) {
        const data = batch[name as keyof Batch] as Float32Array | Int32Array | undefined;
        if (data) forward.write(name, bytesOfView(part(data, k, this.count)));
      }
      this.#submit('features', encoder => {
        forward.encode(encoder);
        for (const { name, channels } of contrast.features) {
          const { range } = loss.input(parameterInput(featureName(name)));
          copyRange(encoder, forward.output(featureName(name)).range, this.#rows(range, channels, k));
        }
      });
    }
    loss.write('target', bytesOfView(batch.target));
    loss.write('contrastiveWeight', bytesOfView(Float32Array.of(contrastiveWeight)));
    this.#submit('contrast', encoder => loss.encode(encoder));
  }

  #backward(k: number, encoder: GPUCommandEncoder): void {
    const { backward, contrast } = this.plans;
    const { arena } = this.context;
    if (k === 0) {
      arena.clear(encoder, 'gradients');
      const { buffer, offset, size } = backward.output('segmentation').range;
      encoder.clearBuffer(buffer, offset, size);
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
    const size = 4 * channels * (this.plans.backward.input('ids').shape[0] as number);
    return { buffer, offset: offset + k * size, size };
  }

  #submit(label: string, encode: (encoder: GPUCommandEncoder) => void): void {
    const { device } = this.context.gpu;
    const encoder = device.createCommandEncoder({ label });
    encode(encoder);
    device.queue.submit([encoder.finish()]);
  }
}
