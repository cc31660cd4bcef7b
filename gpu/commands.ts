// A prepared sequence of dispatches: pipelines compiled, uniform blocks uploaded in one buffer, bind groups made. Running
// it encodes one compute pass and allocates nothing on the device.

import { check } from '../errors/index.js';
import type { GpuDevice } from './device.js';
import type { KernelCall, Uniforms } from './kernel.js';
import type { PipelineCache, PipelineProgress } from './pipelines.js';
import type { Timestamps } from './timestamps.js';
import { packUniforms, type UniformRange, writeUniforms } from './uniforms.js';

/** A range of a buffer: bytes; `offset` a multiple of the device's storage alignment (256 always is), `size` of 4. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** One dispatch, ready to be encoded. */
interface Step {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Milliseconds on the device for one dispatch, under its kernel's name. */
export interface CallTime {
  readonly label: string;
  readonly ms: number;
}

/** Bytes of what absent operands read. */
export const ZERO_BYTES = 256;

export class CommandPlan {
  #timestamps: Promise<Timestamps> | undefined;
  /** The profile under way, or the last one: they share their queries, so the next waits. */
  #profiling: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(
    private readonly pipelines: PipelineCache,
    readonly label: string,
    readonly calls: readonly KernelCall<BufferRange>[],
    private readonly steps: readonly Step[],
    private readonly blocks: readonly UniformRange[],
    private readonly owned: readonly GPUBuffer[],
  ) {}

  /**
   * Errors: GPU_LIMIT (a binding or a dispatch beyond the device's limits), and those of `PipelineCache.compile` and
   * `GpuDevice.createBuffer`.
   *
   * @example
   * const plan = await CommandPlan.create(pipelines, 'frame', calls);
   * plan.submit();
   */
  static async create(
    pipelines: PipelineCache,
    label: string,
    calls: readonly KernelCall<BufferRange>[],
    onProgress?: (progress: PipelineProgress) => void,
  ): Promise<CommandPlan> {
    const { gpu } = pipelines;
    for (const call of calls) checkCall(gpu, call);
    const compiled = await pipelines.compile(calls, onProgress);
    const owned: GPUBuffer[] = [];
    try {
      const values = calls.map(call => pipelines.uniformBlock(call.shader, call.uniforms));
      const blocks = packUniforms(values, gpu.limits.minUniformBufferOffsetAlignment);
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const size = blocks.bytes.byteLength;
      const uniforms = await gpu.createBuffer({ label: `${label} uniforms`, size, usage, kind: 'other' });
      owned.push(uniforms);
      // New buffers are zero: this is what absent operands read.
      const zero = { label: `${label} zeros`, size: ZERO_BYTES, usage: GPUBufferUsage.STORAGE, kind: 'other' } as const;
      owned.push(await gpu.createBuffer(zero));
      const absent = { buffer: owned[1]!, offset: 0, size: ZERO_BYTES };
      const steps = await gpu.scoped(`prepare ${label}`, () => {
        gpu.device.queue.writeBuffer(uniforms, 0, blocks.bytes);
        return calls.map((call, i): Step => {
          const block = { buffer: uniforms, ...blocks.ranges[i]! };
          const group = bindGroup(pipelines, `${label} ${i} ${call.shader.name}`, call, block, absent);
          return { label: call.shader.name, pipeline: compiled[i]!, group, workgroups: call.workgroups };
        });
      });
      return new CommandPlan(pipelines, label, calls, steps, blocks.ranges, owned);
    } catch (error) {
      for (const buffer of owned) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  get gpu(): GpuDevice {
    return this.pipelines.gpu;
  }

  /** Dispatches of one run. */
  get length(): number {
    return this.steps.length;
  }

  /**
   * Replaces the uniform block of one call (a step's learning rate) for the runs submitted from now on.
   *
   * Errors: INTERNAL (names other than those of the kernel's Dims).
   */
  setUniforms(index: number, values: Uniforms): void {
    const { offset, size } = this.blocks[index]!;
    const bytes = new Uint8Array(size);
    writeUniforms(new DataView(bytes.buffer), this.pipelines.uniformBlock(this.calls[index]!.shader, values));
    this.gpu.device.queue.writeBuffer(this.owned[0]!, offset, bytes);
  }

  /** Into a pass of the caller's, after and before whatever else it holds. */
  encodePass(pass: GPUComputePassEncoder): void {
    let pipeline: GPUComputePipeline | undefined;
    for (const step of this.steps) {
      if (step.pipeline !== pipeline) pass.setPipeline(step.pipeline);
      pipeline = step.pipeline;
      pass.setBindGroup(0, step.group);
      pass.dispatchWorkgroups(...step.workgroups);
    }
  }

  /** As one compute pass. */
  encode(encoder: GPUCommandEncoder): void {
    const pass = encoder.beginComputePass({ label: this.label });
    this.encodePass(pass);
    pass.end();
  }

  /** One command buffer with one pass. Errors: DEVICE_LOST, DISPOSED, GPU_OUT_OF_MEMORY, GPU_FAILED. */
  submit(): void {
    this.#check();
    const encoder = this.gpu.device.createCommandEncoder({ label: this.label });
    this.encode(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /**
   * Runs the plan with one pass and two timestamps a dispatch, and gives the device's own times in the order of the
   * calls. Slower as a whole than `submit`; browsers round the times (Chrome to 0.1 ms) unless told otherwise.
   *
   * Errors: UNSUPPORTED (no timestamp-query), GPU_LIMIT (more than 2,048 dispatches), and those of `submit`.
   */
  profile(): Promise<CallTime[]> {
    const profile = this.#profiling.then(() => this.#profile());
    this.#profiling = profile.catch(() => undefined); // reported to the caller of this one
    return profile;
  }

  async #profile(): Promise<CallTime[]> {
    this.#check();
    // Imported when wanted: sessions do without.
    this.#timestamps ??= import('./timestamps.js').then(({ Timestamps }) => Timestamps.create(this.gpu, this.length));
    const timestamps = await this.#timestamps;
    this.#check();
    const encoder = this.gpu.device.createCommandEncoder({ label: `${this.label} profile` });
    for (const [i, { label, pipeline, group, workgroups }] of this.steps.entries()) {
      const pass = encoder.beginComputePass({ label, timestampWrites: timestamps.writes(i) });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
      pass.end();
    }
    timestamps.resolve(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
    const times = await timestamps.read().catch(error => {
      this.#check(); // disposed meanwhile: say that, not that a mapping was cancelled
      throw error;
    });
    this.gpu.check(this.label);
    return this.steps.map(({ label }, i) => ({ label, ms: times[i]! }));
  }

  #check(): void {
    this.gpu.check(this.label);
    check(!this.#disposed, 'DISPOSED', `${this.label}: the plan must be live, got a disposed one; make a new one`);
  }

  /** Frees the plan's own buffers (uniforms, zeros, timestamps), none of its operands. Twice is fine. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.owned) this.gpu.destroyBuffer(buffer);
    this.#timestamps?.then(
      timestamps => timestamps.dispose(),
      () => undefined, // `profile` has reported it
    );
    this.#timestamps = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function bindGroup(
  pipelines: PipelineCache,
  label: string,
  { bindings }: KernelCall<BufferRange>,
  block: BufferRange,
  absent: BufferRange,
): GPUBindGroup {
  const ranges = [block, ...bindings.map(({ operand }) => operand ?? absent)];
  return pipelines.gpu.device.createBindGroup({
    label,
    layout: pipelines.layout(bindings),
    entries: ranges.map(({ buffer, offset, size }, binding) => ({ binding, resource: { buffer, offset, size } })),
  });
}

/** What WebGPU would report only when the command buffer is submitted, and without saying which call it is. */
function checkCall(gpu: GpuDevice, { shader, workgroups, bindings }: KernelCall<BufferRange>): void {
  const { maxComputeWorkgroupsPerDimension: most, maxStorageBufferBindingSize: largest } = gpu.limits;
  check(
    workgroups.every(count => count >= 1 && count <= most),
    'GPU_LIMIT',
    () => `CommandPlan: ${shader.name} must have 1 to ${most} workgroups a dimension, got ${workgroups}; use spread()`,
  );
  const access = new Map<GPUBuffer, string>();
  for (const { operand, access: wanted } of bindings) {
    if (!operand) continue;
    check(
      operand.size <= largest,
      'GPU_LIMIT',
      () =>
        `CommandPlan: ${shader.name} must bind at most ${largest} bytes at a time on this device, got ${operand.size}; split the tensor or use a smaller model or batch`,
    );
    const before = access.get(operand.buffer) ?? wanted;
    check(
      before === wanted,
      'INTERNAL',
      () =>
        `CommandPlan: ${shader.name} must bind a buffer either for reading or for writing, got both for "${operand.buffer.label}"; place its outputs in another arena`,
    );
    access.set(operand.buffer, wanted);
  }
}
