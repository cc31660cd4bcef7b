// The tuner's two instruments on a device: is a variant right, and how long does it take.

import { throwIfAborted } from '../../errors/index.js';
import { type BufferRange, CommandPlan } from '../commands.js';
import type { GpuDevice } from '../device.js';
import type { KernelCall } from '../kernel.js';
import type { DotTuning } from '../kernels/matmul/linear-dots.js';
import { PipelineCache } from '../pipelines.js';
import { Readback } from '../readback.js';
import { Timestamps } from '../timestamps.js';
import { decode, encode } from './numbers.js';
import { type SelfTest, selfTestsOf } from './reference.js';
import { parseShape } from './variants.js';

/** A buffer of a program, as far as timing needs it: calls that name the same number share it. */
export interface SizedOperand {
  readonly id: number;
  readonly bytes: number;
}

export type SizedCall = KernelCall<SizedOperand>;

export interface TunerBench {
  /** What is wrong with a variant of a class of shapes; null if nothing. */
  selfTest(shape: string, variant: string): Promise<string | null>;
  /** Milliseconds of each candidate (one call, or several that belong together): medians, taken by turns. */
  time(candidates: readonly (readonly SizedCall[])[]): Promise<number[]>;
}

/** |actual - expected| ≤ tolerance · (1 + |expected|). f16 rounds what is stored, and the inputs are exact. */
const TOLERANCE = { f32: 1e-4, f16: 4e-3 } as const;

/** Measurements of each candidate, and how long one should be, in milliseconds. */
const ROUNDS = 5;
const WANTED_MS = 1.5;
const MOST_REPEATS = 32;

/** Finite and above zero as f16, f32 and i8: no denormal slows a device down. */
const FILL = 0x2c;

export class DeviceBench implements TunerBench {
  readonly #pipelines: PipelineCache;
  readonly #readback: Readback;
  readonly #buffers = new Map<string, GPUBuffer>();
  #timestamps: Timestamps | undefined;

  constructor(
    readonly gpu: GpuDevice,
    readonly tuning: DotTuning,
    readonly signal?: AbortSignal | undefined,
    /** Those of whoever runs the program then: what is compiled here need not be again. */
    pipelines = new PipelineCache(gpu),
  ) {
    this.#pipelines = pipelines;
    this.#readback = new Readback(gpu);
  }

  async selfTest(shape: string, variant: string): Promise<string | null> {
    const parsed = parseShape(shape)!;
    for (const test of selfTestsOf(parsed)) {
      throwIfAborted(this.signal, 'tune');
      const wrong = await this.#run(test, variant).catch((error: unknown) => {
        // A device that is gone is nobody's fault here.
        this.gpu.check('tune');
        return `does not run: ${error instanceof Error ? error.message : error}`;
      });
      if (wrong !== null) return wrong;
    }
    return null;
  }

  async #run({ calls, operands, expected, act }: SelfTest, variant: string): Promise<string | null> {
    const scratch: number[] = [];
    const temporary = (bytes: number) => operands.length + scratch.push(bytes); // after the output
    const plain = calls(this.tuning, temporary);
    const shape = plain.find(call => call.cut)!.cut!.shape;
    scratch.length = 0;
    const chosen = calls({ ...this.tuning, choices: { [shape]: variant } }, temporary);
    const outBytes = Math.ceil((expected.length * (act === 'f32' ? 4 : 2)) / 16) * 16;
    const given = operands.map(({ data, storage }) => encode(data, storage));
    // A kernel that leaves an element out leaves a NaN there.
    const unset = [outBytes, ...scratch].map(bytes => new Uint8Array(Math.ceil(bytes / 16) * 16).fill(0xff));
    const contents = [...given, ...unset];
    const made: GPUBuffer[] = [];
    try {
      const ranges: BufferRange[] = [];
      for (const bytes of contents) {
        const size = Math.ceil(bytes.length / 16) * 16;
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        const buffer = await this.gpu.createBuffer({ label: 'self-test', size, usage, kind: 'other' });
        made.push(buffer);
        this.gpu.device.queue.writeBuffer(buffer, 0, bytes);
        ranges.push({ buffer, offset: 0, size });
      }
      const out = ranges[operands.length]!;
      using plan = await CommandPlan.create(
        this.#pipelines,
        'self-test',
        chosen.map(call => bound(call, id => ranges[id]!)),
      );
      plan.submit();
      return firstError(decode(await this.#readback.read(out), expected.length, act), expected, TOLERANCE[act]);
    } finally {
      for (const buffer of made) this.gpu.destroyBuffer(buffer);
    }
  }

  async time(candidates: readonly (readonly SizedCall[])[]): Promise<number[]> {
    const plans: CommandPlan[] = [];
    try {
      await this.#pipelines.compile(candidates.flat()); // all at once
      // Scratch grows for all of them before a plan holds any of it.
      for (const calls of candidates) await this.#ranges(calls);
      for (const calls of candidates) {
        const ranges = await this.#ranges(calls);
        const ready = calls.map(call => bound(call, ({ id }) => ranges.get(id)!));
        plans.push(await CommandPlan.create(this.#pipelines, 'tune', ready));
      }
      // The first run of a pipeline may compile it.
      for (const plan of plans) await this.#measure(plan, 1);
      const repeats: number[] = [];
      for (const plan of plans)
        repeats.push(Math.max(1, Math.min(MOST_REPEATS, Math.ceil(WANTED_MS / (await this.#measure(plan, 1))))));
      const times: number[][] = plans.map(() => []);
      for (let round = 0; round < ROUNDS; round++)
        for (const [i, plan] of plans.entries()) {
          throwIfAborted(this.signal, 'tune');
          times[i]!.push((await this.#measure(plan, repeats[i]!)) / repeats[i]!);
        }
      return times.map(own => own.sort((a, b) => a - b)[ROUNDS >> 1]!);
    } finally {
      for (const plan of plans) plan.dispose();
    }
  }

  /** Milliseconds of so many runs in one pass: on the device's clock, or from submitting to done. */
  async #measure(plan: CommandPlan, repeats: number): Promise<number> {
    const { gpu } = this;
    if (gpu.features.timestamps) this.#timestamps ??= await Timestamps.create(gpu, 1);
    const clock = this.#timestamps;
    const encoder = gpu.device.createCommandEncoder({ label: 'tune' });
    const pass = encoder.beginComputePass({
      label: 'tune',
      ...(clock ? { timestampWrites: clock.writes(0) } : {}),
    });
    for (let i = 0; i < repeats; i++) plan.encodePass(pass);
    pass.end();
    clock?.resolve(encoder);
    const start = performance.now();
    gpu.device.queue.submit([encoder.finish()]);
    const onDevice = (await clock?.read())?.[0] ?? 0;
    if (!clock) await gpu.guard('tune', gpu.device.queue.onSubmittedWorkDone());
    gpu.check('tune');
    // Browsers round a device's clock to 0.1 ms, and drivers reset it: where it says nothing, the host's does.
    return onDevice > 0.2 ? onDevice : performance.now() - start;
  }

  /** Scratch of an operand's size, kept for the next candidates. */
  async #ranges(calls: readonly SizedCall[]): Promise<Map<number, BufferRange>> {
    const ranges = new Map<number, BufferRange>();
    for (const { bindings } of calls)
      for (const { operand } of bindings) {
        if (!operand || ranges.has(operand.id)) continue;
        const size = Math.max(256, Math.ceil(operand.bytes / 256) * 256);
        const label = `tune ${ranges.size}`;
        let buffer = this.#buffers.get(label);
        if (!buffer || buffer.size < size) {
          if (buffer) this.gpu.destroyBuffer(buffer);
          const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
          buffer = await this.gpu.createBuffer({ label, size, usage, kind: 'other' });
          this.#buffers.set(label, buffer);
          this.gpu.device.queue.writeBuffer(buffer, 0, new Uint8Array(size).fill(FILL));
        }
        ranges.set(operand.id, { buffer, offset: 0, size });
      }
    return ranges;
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.gpu.destroyBuffer(buffer);
    this.#buffers.clear();
    this.#readback.dispose();
    this.#timestamps?.dispose();
    this.#timestamps = undefined;
  }
}

const bound = <O>(call: KernelCall<O>, range: (operand: O) => BufferRange): KernelCall<BufferRange> => ({
  ...call,
  bindings: call.bindings.map(({ operand, access }) => ({ access, operand: operand === null ? null : range(operand) })),
});

function firstError(actual: Float32Array, expected: Float64Array, tolerance: number): string | null {
  for (const [i, wanted] of expected.entries()) {
    const error = Math.abs(actual[i]! - wanted);
    if (!(error <= tolerance * (1 + Math.abs(wanted))))
      return `computes ${actual[i]} where ${wanted.toPrecision(6)} is right (element ${i} of ${expected.length})`;
  }
  return null;
}
