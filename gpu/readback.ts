// Bytes from the device to the caller, through staging buffers that are kept for the next read. The copy is submitted
// before `read` returns, so whatever is submitted afterwards may overwrite the source; reads may overlap.

import { check, TmcaError } from '../errors/index.js';
import type { BufferRange } from './commands.js';
import type { GpuDevice } from './device.js';

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

export class Readback {
  readonly #idle: GPUBuffer[] = [];
  readonly #busy = new Set<GPUBuffer>();
  #disposed = false;

  /** `kept`: staging buffers that stay when nothing is being read; more overlapping reads get temporary ones. */
  constructor(
    readonly gpu: GpuDevice,
    readonly kept: number = 3,
  ) {}

  /**
   * A copy of the range as it is when the work submitted so far has run.
   *
   * Errors: DEVICE_LOST, DISPOSED, ABORTED, GPU_OUT_OF_MEMORY, GPU_FAILED (also when the work before it failed: a result
   * is never read from a run that did not happen).
   */
  read(source: BufferRange, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.view(source, bytes => bytes.slice(), options);
  }

  /** As `read`, without the copy: `use` sees the mapped bytes, which are gone when it returns. */
  async view<T>(
    source: BufferRange,
    use: (bytes: Uint8Array<ArrayBuffer>) => T,
    { signal }: ReadOptions = {},
  ): Promise<T> {
    const where = `read ${source.buffer.label}`;
    check(!this.#disposed, 'DISPOSED', `${where}: the readback must be open, got a disposed one; make a new one`);
    check(
      source.offset % 4 === 0 && source.size > 0,
      'INTERNAL',
      () => `${where}: offset must be a multiple of 4 and size positive, got ${source.offset} and ${source.size}`,
    );
    this.gpu.check(where);
    // Copies and mappings are in units of 4 bytes.
    const size = Math.ceil(source.size / 4) * 4;
    let staging: GPUBuffer | undefined;
    try {
      const { mapped } = await this.gpu.scoped(where, () => {
        staging = this.#take(size);
        return { mapped: this.#copy(source, staging, size) };
      });
      await this.gpu.guard(where, mapped, signal);
      // Errors of the run before this read, if nobody has asked for them yet.
      this.gpu.check(where);
      const bytes = staging!.getMappedRange(0, size);
      // Some implementations detach the mapping when a device goes, instead of rejecting.
      if (bytes.byteLength !== size) await this.gpu.guard(where, Promise.reject(new Error('an empty mapping')));
      return use(new Uint8Array(bytes, 0, source.size));
    } catch (error) {
      if (!this.#disposed) throw error;
      throw new TmcaError('DISPOSED', `${where}: the readback must stay open, got disposed meanwhile`, {
        cause: error,
      });
    } finally {
      if (staging) this.#release(staging);
    }
  }

  /** Frees the staging buffers; reads under way reject with DISPOSED. Twice is fine. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of [...this.#idle.splice(0), ...this.#busy]) this.gpu.destroyBuffer(buffer);
    this.#busy.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #copy(source: BufferRange, staging: GPUBuffer, size: number): Promise<undefined> {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'readback' });
    encoder.copyBufferToBuffer(source.buffer, source.offset, staging, 0, size);
    this.gpu.device.queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(GPUMapMode.READ, 0, size);
    // Awaited only after the error scopes have answered; a rejection before that is not unhandled.
    mapped.catch(() => undefined);
    return mapped;
  }

  /** The smallest idle buffer that is large enough, or a new one of the next power of two. */
  #take(size: number): GPUBuffer {
    const fits = this.#idle.filter(buffer => buffer.size >= size).sort((a, b) => a.size - b.size)[0];
    if (fits) this.#idle.splice(this.#idle.indexOf(fits), 1);
    const staging = fits ?? this.#create(size);
    this.#busy.add(staging);
    return staging;
  }

  #create(size: number): GPUBuffer {
    const { device, limits } = this.gpu;
    const staging = device.createBuffer({
      label: 'staging',
      size: Math.min(Math.max(256, 2 ** Math.ceil(Math.log2(size))), limits.maxBufferSize),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    this.gpu.track(staging, 'other');
    return staging;
  }

  #release(staging: GPUBuffer): void {
    this.#busy.delete(staging);
    if (this.#disposed || this.gpu.state !== 'open') {
      this.gpu.destroyBuffer(staging);
      return;
    }
    // Also ends a mapping that an abort left under way.
    staging.unmap();
    this.#idle.push(staging);
    // The smallest go first: a large one serves every read.
    if (this.#idle.length > this.kept) {
      this.#idle.sort((a, b) => b.size - a.size);
      this.gpu.destroyBuffer(this.#idle.pop()!);
    }
  }
}
