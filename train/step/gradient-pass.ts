// What fills the arena with a batch's gradients: its programs on a device.

import type { Assembly } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import { bytesOfView } from '../../formats/weights/encode-storage.js';
import type { BufferRange, CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { PipelineCache } from '../../gpu/pipelines.js';
import type { Network } from '../../networks/network.js';
import type { LossValues } from '../../networks/training.js';
import type { Scalars } from '../../networks/training-registry.js';
import { Plan } from '../../runtime/engines/webgpu/plan.js';
import { noParameters } from '../../runtime/engines/webgpu/run-graph.js';
import { WeightStore } from '../../runtime/engines/webgpu/weights.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';
import { type ArenaPlace, type BoundProgram, batchInputs, programsOf, type TrainingPrograms } from './programs.js';

/** What a step reads, in the graph's layout: the network's inputs by name, and the masks. */
export interface Batch {
  /** [B,S,S,3], normalised. */
  readonly image: Float32Array;
  /** [B,L], of a network that takes a sentence. */
  readonly ids?: Int32Array;
  /** [B,L], 1 where there is a token. */
  readonly mask?: Int32Array;
  /** [B,S,S,1], 0 or 1. */
  readonly target: Float32Array;
}

/** An input of a batch by name; null where the batch has none of that name. */
export const inputOf = (batch: Partial<Batch>, name: string): Float32Array | Int32Array | null =>
  (batch as Readonly<Record<string, Float32Array | Int32Array | undefined>>)[name] ?? null;

/** The gradients of one batch after another. Parameters change only by others' hands, statistics only by `encodeStatistics`. */
export interface GradientPass {
  /** The dispatches of a whole batch. */
  readonly dispatches: number;
  readonly arenaBytes: number;
  /** What it dispatches, in order: a plan as often as it runs for a batch. */
  readonly commands: readonly CommandPlan[];
  /**
   * Submits what must run first, and encodes the rest: after it, the arena holds the batch's gradients.
   *
   * Errors: BAD_ARGUMENT (a batch of another size).
   */
  encode(batch: Batch, scalars: Scalars, encoder: GPUCommandEncoder): void;
  /** One number each, once that has run. */
  readonly lossRanges: readonly BufferRange[];
  /** The losses from what `lossRanges` held, with the scalars of the batch. */
  losses(values: readonly number[], scalars: Scalars): LossValues;
  /** Makes BatchNorm's running statistics those after the batch. */
  encodeStatistics(encoder: GPUCommandEncoder): void;
  /** Twice is fine. */
  dispose(): void;
}

export interface PassContext {
  readonly network: Network;
  readonly gpu: GpuDevice;
  readonly pipelines: PipelineCache;
  readonly arena: ParameterArena;
  readonly constants: WeightStore;
}

/** The constants of a step's programs, on the device. */
export function loadConstants(gpu: GpuDevice, assembly: Assembly, programs: TrainingPrograms): Promise<WeightStore> {
  return WeightStore.load(
    gpu,
    assembly,
    programsOf(programs).map(({ program }) => program),
    noParameters,
  );
}

/** @param place where statistics lie that are apart from the parameters */
export function planOf(
  { gpu, pipelines, arena, constants }: PassContext,
  { program, external, rewritten }: BoundProgram,
  label: string,
  place: (name: string) => BufferRange = name => arena.range('parameters', name),
): Promise<Plan> {
  const rangeOf = ({ kind, name }: ArenaPlace) => (kind === 'statistics' ? place(name) : arena.range(kind, name));
  const ranges = new Map([...external].map(([buffer, at]) => [buffer, rangeOf(at)]));
  return Plan.create(gpu, pipelines, program, constants, label, { rewritten, external: ranges });
}

export const oneNumber = (range: BufferRange): BufferRange => ({ ...range, size: 4 });

export function copyRange(encoder: GPUCommandEncoder, from: BufferRange, to: BufferRange): void {
  encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, Math.min(from.size, to.size));
}

/**
 * Writes the inputs of a batch, or of part `k` of `count` equal parts of it, where the plan has them.
 *
 * Errors: BAD_ARGUMENT (a batch of another size, or without an input).
 */
export function writeBatch(plan: Plan, names: readonly string[], batch: Batch, k = 0, count = 1): void {
  for (const name of names) {
    const data = inputOf(batch, name);
    const part = plan.input(name).shape.reduce((product, n) => product * n, 1);
    check(
      data?.length === part * count,
      'BAD_ARGUMENT',
      () => `TrainingStep.run: ${name} must have ${part * count} numbers, got ${data?.length ?? 'none'}`,
    );
    plan.write(name, bytesOfView(data.subarray(k * part, (k + 1) * part)));
  }
}

/** Writes the scalars that the plan reads. */
export function writeScalars(plan: Plan, scalars: Scalars): void {
  for (const [name, value] of Object.entries(scalars))
    if (plan.inputNames.includes(name)) plan.write(name, bytesOfView(Float32Array.of(value)));
}

/** The whole batch at once: losses, gradients and statistics of one program. */
export class WholeBatch implements GradientPass {
  private constructor(
    private readonly arena: ParameterArena,
    private readonly plan: Plan,
    private readonly programs: TrainingPrograms,
    private readonly inputs: readonly string[],
  ) {}

  static async create(context: PassContext, programs: TrainingPrograms): Promise<WholeBatch> {
    const plan = await planOf(context, programs.backward, 'step');
    return new WholeBatch(context.arena, plan, programs, batchInputs(context.network));
  }

  get dispatches(): number {
    return this.plan.dispatches;
  }

  get arenaBytes(): number {
    return this.plan.arenaBytes;
  }

  get commands(): readonly CommandPlan[] {
    return [this.plan.commands];
  }

  get lossRanges(): readonly BufferRange[] {
    return this.programs.losses.map(name => oneNumber(this.plan.output(name).range));
  }

  losses(values: readonly number[]): LossValues {
    const named = this.programs.losses.map((name, i) => [name, values[i]!] as const);
    return Object.fromEntries(named) as unknown as LossValues;
  }

  encode(batch: Batch, scalars: Scalars, encoder: GPUCommandEncoder): void {
    const { plan, arena } = this;
    writeBatch(plan, this.inputs, batch);
    writeScalars(plan, scalars);
    plan.encode(encoder);
    for (const output of this.programs.backward.copied)
      copyRange(encoder, plan.output(output).range, arena.range('gradients', output.slice('gradient:'.length)));
  }

  encodeStatistics(encoder: GPUCommandEncoder): void {
    for (const name of this.programs.statistics)
      copyRange(encoder, this.plan.output(name).range, this.arena.range('parameters', name));
  }

  dispose(): void {
    this.plan.dispose();
  }
}
