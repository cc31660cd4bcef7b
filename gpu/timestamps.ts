// Time of every dispatch, for profiles: begin and end of a compute pass each, so only used when profiling.

import { TmcaError } from '../errors/index.js';
import type { GpuDevice } from './device.js';

/** A pass can write to this many queries of one set; WebGPU's limit on a set. */
const maxQueries = 4096;

/** Queries for up to 2,048 dispatches; timestamps are nanoseconds on the device's clock. */
export class Timestamps {
  private constructor(
    readonly gpu: GpuDevice,
    readonly count: number,
    private readonly queries: GPUQuerySet,
    private readonly resolved: GPUBuffer,
    private readonly staging: GPUBuffer,
  ) {}

  /** Errors: UNSUPPORTED (no timestamp-query), GPU_LIMIT (more than 2,048 dispatches). */
  static async create(gpu: GpuDevice, count: number): Promise<Timestamps> {
    if (!gpu.features.timestamps)
      throw new TmcaError(
        'UNSUPPORTED',
        'profile: the device must have timestamp-query, got one without; use wall time',
      );
    if (2 * count > maxQueries)
      throw new TmcaError(
        'GPU_LIMIT',
        `profile: a plan must have at most ${maxQueries / 2} dispatches, got ${count}; profile a part of it`,
      );
    const size = 16 * count;
    const buffer = (label: string, usage: GPUBufferUsageFlags) =>
      gpu.createBuffer({ label: `timestamps ${label}`, size, usage, kind: 'other' });
    const owned: GPUBuffer[] = [];
    try {
      owned.push(await buffer('resolved', GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC));
      owned.push(await buffer('staging', GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ));
      const queries = await gpu.scoped('profile', () =>
        gpu.device.createQuerySet({ label: 'timestamps', type: 'timestamp', count: 2 * count }),
      );
      return new Timestamps(gpu, count, queries, owned[0]!, owned[1]!);
    } catch (error) {
      for (const made of owned) gpu.destroyBuffer(made);
      throw error;
    }
  }

  /** For the pass that holds dispatch `index` alone. */
  writes(index: number): GPUComputePassTimestampWrites {
    return { querySet: this.queries, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 };
  }

  /** After the last pass, before the command buffer ends. */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.queries, 0, 2 * this.count, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.staging, 0, this.staging.size);
  }

  /** Milliseconds of every dispatch, after its command buffer was submitted. */
  async read(): Promise<Float64Array> {
    await this.gpu.guard('profile', this.staging.mapAsync(GPUMapMode.READ));
    const times = new BigUint64Array(this.staging.getMappedRange().slice(0));
    this.staging.unmap();
    // Differences as integers: nanoseconds since the start pass 2^53 after 104 days. A clock that the driver resets in
    // between gives a negative one, which is no time.
    return Float64Array.from({ length: this.count }, (_, i) =>
      Math.max(0, Number(BigInt.asIntN(64, times[2 * i + 1]! - times[2 * i]!)) / 1e6),
    );
  }

  dispose(): void {
    this.queries.destroy();
    this.gpu.destroyBuffer(this.resolved);
    this.gpu.destroyBuffer(this.staging);
  }
}
