// A program on a device: its activations placed in arenas, its dispatches prepared. Nothing is allocated after this.

import { check } from '../../../errors/index.js';
import { type ArenaCall, type ArenaLimits, type ArenaPlan, lifetimes, planArenas } from '../../../gpu/arena.js';
import { type BufferRange, CommandPlan } from '../../../gpu/commands.js';
import type { GpuDevice } from '../../../gpu/device.js';
import type { KernelCall } from '../../../gpu/kernel.js';
import type { PipelineCache } from '../../../gpu/pipelines.js';
import type { BufferSpec, Program } from '../../../graph/lower.js';
import type { WeightStore } from './weights.js';

export interface PlannedTensor extends BufferSpec {
  readonly range: BufferRange;
}

/** Buffers of a program, by number, that lie where the caller says: parameters and gradients of a training step. */
export type External = ReadonlyMap<number, BufferRange>;

export interface PlanOptions {
  /** Inputs that the caller writes before every run; the others keep what was written once. */
  readonly rewritten?: readonly string[];
  readonly external?: External;
  /** The answer of `placeProgram`, where that has been asked before. */
  readonly placed?: ArenaPlan<number> | undefined;
}

type IsPlaced = (id: number | null) => id is number;

/** Whether a buffer lies in the plan's own arenas. */
const placed =
  ({ buffers }: Program, external: External): IsPlaced =>
  (id): id is number =>
    id !== null && buffers[id]!.role !== 'constant' && !external.has(id);

/** What each call reads and writes in the arenas. */
const accesses = ({ calls }: Program, isPlaced: IsPlaced): ArenaCall<number>[] =>
  calls.map(({ bindings }) => {
    const touched = (access: 'read' | 'read_write') =>
      bindings.flatMap(b => (b.access === access && isPlaced(b.operand) ? [b.operand] : []));
    return { reads: touched('read'), writes: touched('read_write') };
  });

/**
 * What lives in the arenas, and when. Inputs keep their bytes from run to run and outputs until they are read; inputs in
 * `rewritten` are written anew before each run, so that their place serves others after their last reader.
 */
function arenaTensors(
  program: Program,
  calls: readonly ArenaCall<number>[],
  isPlaced: IsPlaced,
  rewritten: ReadonlySet<string>,
) {
  const { buffers } = program;
  const outputs = new Set(Object.values(program.outputs).map(({ buffer }) => buffer));
  const pinned = (id: number) =>
    outputs.has(id) || (buffers[id]!.role === 'input' && !rewritten.has(buffers[id]!.name!));
  const bytes = (id: number) => buffers[id]!.bytes;
  const touched = lifetimes(calls, bytes, pinned).map(t =>
    buffers[t.id]!.role === 'input' ? { ...t, firstUse: 0 } : t,
  );
  const known = new Set(touched.map(t => t.id));
  const idle = buffers.flatMap((_, id) => (known.has(id) || !isPlaced(id) ? [] : [id]));
  return [...touched, ...idle.map(id => ({ id, bytes: bytes(id), firstUse: 0, lastUse: 0, pinned: true }))];
}

/** Where everything that a program makes would lie; nothing is allocated. */
export function placeProgram(program: Program, limits: ArenaLimits, options: PlanOptions = {}): ArenaPlan<number> {
  const isPlaced = placed(program, options.external ?? new Map());
  const order = accesses(program, isPlaced);
  return planArenas(arenaTensors(program, order, isPlaced, new Set(options.rewritten)), order, limits);
}

export class Plan {
  private constructor(
    private readonly gpu: GpuDevice,
    private readonly program: Program,
    readonly commands: CommandPlan,
    private readonly arenas: readonly GPUBuffer[],
    private readonly ranges: ReadonlyMap<number, BufferRange>,
    /** Bytes of the arenas, and the least that any placement could take. */
    readonly arenaBytes: number,
    readonly lowerBound: number,
  ) {}

  /** Errors: GPU_LIMIT, GPU_OUT_OF_MEMORY, SHADER_INVALID, DEVICE_LOST, DISPOSED. */
  static async create(
    gpu: GpuDevice,
    pipelines: PipelineCache,
    program: Program,
    weights: WeightStore,
    label: string,
    options: PlanOptions = {},
  ): Promise<Plan> {
    const { arenas: sizes, place, lowerBound } = options.placed ?? placeProgram(program, gpu.limits, options);
    const arenas: GPUBuffer[] = [];
    try {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      for (const [i, size] of sizes.entries())
        arenas.push(await gpu.createBuffer({ label: `${label} arena ${i}`, size, usage, kind: 'arena' }));
      const ranges = new Map<number, BufferRange>();
      program.buffers.forEach((spec, id) => {
        const own = place.get(id);
        const external = options.external?.get(id);
        if (external) ranges.set(id, external);
        else if (own) ranges.set(id, { buffer: arenas[own.arena]!, offset: own.offset, size: own.bytes });
        else if (spec.role === 'constant') ranges.set(id, weights.range(spec.tensor!, spec.storage));
      });
      const calls = program.calls.map(
        (call): KernelCall<BufferRange> => ({
          ...call,
          bindings: call.bindings.map(({ operand, access }) => ({
            operand: operand === null ? null : ranges.get(operand)!,
            access,
          })),
        }),
      );
      const commands = await CommandPlan.create(pipelines, label, calls);
      const arenaBytes = sizes.reduce((sum, size) => sum + size, 0);
      return new Plan(gpu, program, commands, arenas, ranges, arenaBytes, lowerBound);
    } catch (error) {
      for (const arena of arenas) gpu.destroyBuffer(arena);
      throw error;
    }
  }

  get dispatches(): number {
    return this.program.calls.length;
  }

  get outputNames(): readonly string[] {
    return Object.keys(this.program.outputs);
  }

  get inputNames(): readonly string[] {
    return Object.keys(this.program.inputs);
  }

  input(name: string): PlannedTensor {
    return this.#tensor(name, this.program.inputs[name], 'input');
  }

  output(name: string): PlannedTensor {
    const output = this.program.outputs[name];
    return { ...this.#tensor(name, output?.buffer, 'output'), shape: output!.shape };
  }

  /** Fills an input, or its beginning. `bytes` is read before this returns. */
  write(name: string, bytes: Uint8Array): void {
    const { buffer, offset, size } = this.input(name).range;
    check(
      bytes.length <= size && bytes.length % 4 === 0,
      'INTERNAL',
      `Plan.write: ${name} must be at most ${size} bytes in whole words, got ${bytes.length}`,
    );
    this.gpu.device.queue.writeBuffer(buffer, offset, bytes as Uint8Array<ArrayBuffer>);
  }

  encode(encoder: GPUCommandEncoder): void {
    this.commands.encode(encoder);
  }

  /** Its dispatches, bound to where their operands lie. */
  get calls(): readonly KernelCall<BufferRange>[] {
    return this.commands.calls;
  }

  /** Frees the arenas. Twice is fine. */
  dispose(): void {
    this.commands.dispose();
    for (const arena of this.arenas) this.gpu.destroyBuffer(arena);
  }

  #tensor(name: string, id: number | undefined, what: string): PlannedTensor {
    const range = id === undefined ? undefined : this.ranges.get(id);
    check(range, 'INTERNAL', `Plan.${what}: there must be an ${what} of that name, got ${name}`);
    return { ...this.program.buffers[id!]!, range };
  }
}
