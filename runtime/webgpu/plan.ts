// A program on a device: its activations placed in arenas, its dispatches prepared. Nothing is allocated after this.

import { check } from '../../errors/index.js';
import { planArena } from '../../gpu/arena.js';
import { type BufferRange, type CallTime, CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { KernelCall } from '../../gpu/kernel.js';
import type { PipelineCache } from '../../gpu/pipelines.js';
import type { BufferSpec, Program } from '../../model/lower.js';
import type { WeightStore } from './weights.js';

export interface PlannedTensor extends BufferSpec {
  readonly range: BufferRange;
}

/** First and last call that touch each buffer of a program that lives in an arena, in order of the buffers. */
function lifetimes({ buffers, calls, outputs }: Program) {
  const last = calls.length;
  const first = new Map<number, number>();
  const end = new Map<number, number>();
  const touch = (buffer: number, call: number) => {
    if (!first.has(buffer)) first.set(buffer, call);
    end.set(buffer, call);
  };
  buffers.forEach((spec, id) => {
    if (spec.role === 'input') touch(id, 0); // written before the first call
  });
  calls.forEach(({ bindings }, i) => {
    for (const { operand } of bindings)
      if (operand !== null && buffers[operand]!.role !== 'constant') touch(operand, i);
  });
  for (const id of Object.values(outputs)) if (buffers[id]!.role !== 'constant') touch(id, last);
  return [...first].map(([id, firstUse]) => ({ id, bytes: buffers[id]!.bytes, firstUse, lastUse: end.get(id)! }));
}

/** What each call reads and writes in the arenas. */
function accesses({ buffers, calls }: Program) {
  return calls.map(({ bindings }) => {
    const touched = (access: 'read' | 'read_write') =>
      bindings.flatMap(b =>
        b.access === access && b.operand !== null && buffers[b.operand]!.role !== 'constant' ? [b.operand] : [],
      );
    return { reads: touched('read'), writes: touched('read_write') };
  });
}

export class Plan {
  private constructor(
    private readonly gpu: GpuDevice,
    private readonly program: Program,
    private readonly commands: CommandPlan,
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
  ): Promise<Plan> {
    const {
      arenas: sizes,
      place,
      lowerBound,
    } = planArena(lifetimes(program), accesses(program), {
      alignment: Math.max(256, gpu.limits.minStorageBufferOffsetAlignment),
      maxArena: gpu.limits.maxBufferSize,
      maxBinding: gpu.limits.maxStorageBufferBindingSize,
    });
    const arenas: GPUBuffer[] = [];
    try {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      for (const [i, size] of sizes.entries())
        arenas.push(await gpu.createBuffer({ label: `${label} arena ${i}`, size, usage, kind: 'arena' }));
      const ranges = new Map<number, BufferRange>();
      program.buffers.forEach((spec, id) => {
        const placed = place.get(id);
        if (placed) ranges.set(id, { buffer: arenas[placed.arena]!, offset: placed.offset, size: spec.bytes });
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
    return this.#tensor(name, this.program.outputs[name], 'output');
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

  /** Device time of each call; see CommandPlan.profile. */
  profile(): Promise<CallTime[]> {
    return this.commands.profile();
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
