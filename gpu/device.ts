// A device and what the rest of the project needs around it: every promise settles when the device goes, every creation
// reports its own error, every byte is counted, `dispose()` frees all of it.

import { check, TmcaError } from '../errors/index.js';
import type { AdapterInfo, AdapterOptions } from './adapter.js';
import type { Binding, KernelCall } from './kernel.js';
import type { ShaderFeatures } from './shader.js';
import type { Pacer } from './software/pacer.js';
import { hardwareTuning, type Tuning } from './tuning.js';

export interface DeviceFeatures extends ShaderFeatures {
  /** `timestamp-query`. */
  readonly timestamps: boolean;
}

export interface DeviceOptions extends AdapterOptions {
  /** False leaves a feature out even where the adapter has it; it is never an error that the adapter lacks one. */
  readonly features?: Partial<DeviceFeatures>;
  readonly signal?: AbortSignal | undefined;
  /** Whether the device is given before its tuning is settled (`GpuDevice.settle`), to have work begun in the meantime. */
  readonly hasty?: boolean;
}

/** What a buffer is for, in the accounts of `GpuDevice.bytes`. */
export type MemoryKind = 'weights' | 'arena' | 'other';

export interface BufferOptions {
  readonly label: string;
  /** Bytes, a multiple of 4. */
  readonly size: number;
  readonly usage: GPUBufferUsageFlags;
  readonly kind: MemoryKind;
}

const texelBytes = { r8unorm: 1, rg8unorm: 2, rgba8unorm: 4 } as const;

export interface TextureOptions {
  readonly label: string;
  readonly size: readonly [width: number, height: number];
  readonly format: keyof typeof texelBytes;
  readonly usage: GPUTextureUsageFlags;
}

export const featureNames: Readonly<Record<keyof DeviceFeatures, GPUFeatureName>> = {
  f16: 'shader-f16',
  subgroups: 'subgroups',
  timestamps: 'timestamp-query',
};

/** What devices of some kind have beyond others. */
export interface DeviceExtras {
  readonly tuning?: Tuning;
  /** Name of the profile that the tuning is from; `default` if not given. */
  readonly profile?: string;
  readonly includes?: Readonly<Record<string, string>>;
  readonly pacer?: Pacer | null;
  readonly dispatchOnce?: DispatchOnce;
  /** What of a tuning the device computes right with (gpu/software/trusted-tuning.ts); all of it if not given. Never rejects. */
  readonly trustedTuning?: (gpu: GpuDevice, tuning: Tuning, trial: Trial) => Promise<Tuning>;
}

/** When a tuning is tried, beside other work. */
export interface Trial {
  /** It is not submitted before this has ended, one way or the other. */
  readonly after?: Promise<unknown>;
  /** Called when it has been: what is submitted then comes behind it. */
  readonly onSubmit?: () => void;
}

/** What makes pipelines, seen from a device (`PipelineCache` is one). */
export interface Compiler {
  compile(calls: readonly KernelCall<unknown>[]): Promise<GPUComputePipeline[]>;
  layout(bindings: readonly Binding<unknown>[]): GPUBindGroupLayout;
}

/** Has the driver compile the pipelines of these calls now, where it would do so at their first dispatch. */
export type DispatchOnce = (
  gpu: GpuDevice,
  pipelines: Compiler,
  calls: readonly KernelCall<unknown>[],
) => Promise<void>;

/**
 * An open device. `device` is the raw one; whoever awaits a promise of it does so through `guard`, and creates objects
 * within `scoped`, so that a loss or an error arrives as a `TmcaError` and never as silence.
 */
export class GpuDevice {
  #tuning: Tuning;
  #settled: Promise<void> | undefined;
  readonly #trusted: DeviceExtras['trustedTuning'];
  readonly profile: string;
  /** Shared WGSL that only devices of its kind need. */
  readonly includes: Readonly<Record<string, string>>;
  /** Null where pipelines are compiled when they are made. */
  readonly dispatchOnce: DispatchOnce | null;
  readonly limits: GPUSupportedLimits;
  #state: 'open' | 'lost' | 'disposed' = 'open';
  #loss = '';
  /** One for every guarded promise: rejects it because the device is gone. */
  readonly #pending = new Set<() => void>();
  readonly #pacer: Pacer | null;
  readonly #memory = new Map<GPUBuffer | GPUTexture, { readonly kind: MemoryKind; readonly bytes: number }>();
  readonly #uncaptured: GPUError[] = [];

  constructor(
    readonly device: GPUDevice,
    readonly adapter: AdapterInfo,
    readonly features: DeviceFeatures,
    extras: DeviceExtras = {},
  ) {
    const { tuning = hardwareTuning, profile = 'default', includes = {}, pacer = null, dispatchOnce } = extras;
    this.limits = device.limits;
    this.#tuning = tuning;
    this.profile = profile;
    this.includes = includes;
    this.dispatchOnce = dispatchOnce ?? null;
    this.#pacer = pacer;
    this.#trusted = extras.trustedTuning;
    device.lost.then(info => {
      this.#loss = [info.reason, info.message].filter(Boolean).join(': ');
      this.#close('lost');
    });
    device.addEventListener('uncapturederror', this.#hear);
  }

  readonly #hear = (event: GPUUncapturedErrorEvent): void => {
    event.preventDefault();
    // The first errors tell the cause; later ones are its consequences.
    if (this.#uncaptured.length < 8) this.#uncaptured.push(event.error);
  };

  /** How kernels are to be cut for it. */
  get tuning(): Tuning {
    return this.#tuning;
  }

  /**
   * Until this resolves, `tuning` is what the adapter says of itself, and may yet be found wrong. It never rejects, and tries
   * only once.
   */
  settle(trial: Trial = {}): Promise<void> {
    this.#settled ??= (async () => {
      if (this.#trusted && this.#state === 'open') this.#tuning = await this.#trusted(this, this.#tuning, trial);
    })();
    return this.#settled;
  }

  get state(): 'open' | 'lost' | 'disposed' {
    return this.#state;
  }

  /** Bytes of live buffers and textures by what they are for. */
  get bytes(): Readonly<Record<MemoryKind, number>> {
    const bytes = { weights: 0, arena: 0, other: 0 };
    for (const each of this.#memory.values()) bytes[each.kind] += each.bytes;
    return bytes;
  }

  /**
   * Throws if the device is gone, or if an error that no scope caught has been reported since the last call.
   *
   * Errors: DEVICE_LOST (retryable, on a new device), DISPOSED, GPU_OUT_OF_MEMORY, GPU_FAILED.
   */
  check(where: string): void {
    const gone = this.#gone(where);
    if (gone) throw gone;
    const [error] = this.#uncaptured.splice(0);
    if (error) throw gpuError(where, error);
  }

  /**
   * The promise's value; rejects as soon as the device is lost or disposed, or the signal fires, whatever becomes of the
   * promise.
   */
  guard<T>(where: string, work: Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => settle(() => reject(abortError(where, signal)));
      const settle = (finish: () => void) => {
        if (this.#pending.delete(lose)) this.#pacer?.end();
        signal?.removeEventListener('abort', abort);
        finish();
      };
      const fail = (error: TmcaError) => settle(() => reject(error));
      const lose = () => fail(this.#gone(where)!);
      const gone = this.#gone(where) ?? (signal?.aborted ? abortError(where, signal) : undefined);
      if (gone) {
        work.catch(() => undefined);
        reject(gone);
        return;
      }
      this.#pending.add(lose);
      this.#pacer?.begin();
      signal?.addEventListener('abort', abort);
      work.then(
        value => settle(() => resolve(value)),
        async cause => fail(await this.#explain(where, cause)),
      );
    });
  }

  /**
   * Runs `create` and waits for the device's word on it.
   *
   * Errors: GPU_OUT_OF_MEMORY, GPU_FAILED, DEVICE_LOST, DISPOSED, and whatever `create` throws.
   */
  async scoped<T>(where: string, create: () => T): Promise<T> {
    this.check(where);
    const { device } = this;
    for (const filter of ['out-of-memory', 'internal', 'validation'] as const) device.pushErrorScope(filter);
    let result: { value: T } | { thrown: unknown };
    try {
      result = { value: create() };
    } catch (thrown) {
      result = { thrown };
    }
    // Popped even when `create` threw: a scope left behind would catch the errors of others.
    const pops = [device.popErrorScope(), device.popErrorScope(), device.popErrorScope()];
    const errors = await this.guard(where, Promise.all(pops));
    const error = errors.find(found => found !== null);
    if (error) throw gpuError(where, error);
    if ('thrown' in result) throw result.thrown;
    return result.value;
  }

  /** Errors: GPU_LIMIT, GPU_OUT_OF_MEMORY, and those of `scoped`. */
  async createBuffer({ kind, ...descriptor }: BufferOptions): Promise<GPUBuffer> {
    const { label, size } = descriptor;
    const where = `createBuffer ${label}`;
    check(
      size <= this.limits.maxBufferSize,
      'GPU_LIMIT',
      `${where}: a buffer must be at most ${this.limits.maxBufferSize} bytes on this device, got ${size}; use a smaller model or batch`,
    );
    let buffer: GPUBuffer | undefined;
    try {
      return await this.scoped(where, () => {
        buffer = this.device.createBuffer(descriptor);
        this.track(buffer, kind);
        return buffer;
      });
    } catch (error) {
      if (buffer) this.destroyBuffer(buffer);
      throw error;
    }
  }

  /** Puts a buffer that was made otherwise into the accounts, to be freed with the device. */
  track(buffer: GPUBuffer, kind: MemoryKind): void {
    this.#memory.set(buffer, { kind, bytes: buffer.size });
  }

  /** Frees a buffer of `createBuffer`; twice is fine. */
  destroyBuffer(buffer: GPUBuffer): void {
    this.#destroy(buffer);
  }

  /** Two dimensions, one level. Errors: GPU_OUT_OF_MEMORY, and those of `scoped`. */
  async createTexture({ size: [width, height], ...descriptor }: TextureOptions): Promise<GPUTexture> {
    let texture: GPUTexture | undefined;
    try {
      return await this.scoped(`createTexture ${descriptor.label}`, () => {
        texture = this.device.createTexture({ ...descriptor, size: [width, height] });
        this.#memory.set(texture, { kind: 'other', bytes: width * height * texelBytes[descriptor.format] });
        return texture;
      });
    } catch (error) {
      if (texture) this.destroyTexture(texture);
      throw error;
    }
  }

  /** Frees a texture of `createTexture`; twice is fine. */
  destroyTexture(texture: GPUTexture): void {
    this.#destroy(texture);
  }

  #destroy(each: GPUBuffer | GPUTexture): void {
    this.#memory.delete(each);
    each.destroy();
  }

  /** Destroys every buffer, every texture and the device; pending promises reject with DISPOSED. Twice is fine. */
  dispose(): void {
    if (this.#state === 'disposed') return;
    for (const each of this.#memory.keys()) each.destroy();
    this.#memory.clear();
    this.#close('disposed');
    // Dawn in Node keeps a listener, and through this one the device with its threads and pipelines, as long as the process.
    this.device.removeEventListener('uncapturederror', this.#hear);
    this.device.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #close(state: 'lost' | 'disposed'): void {
    // A disposed device is reported as lost too, later; the first word counts, except that a lost one can be disposed.
    if (this.#state === 'disposed') return;
    this.#state = state;
    for (const lose of [...this.#pending]) lose();
  }

  #gone(where: string): TmcaError | undefined {
    if (this.#state === 'disposed')
      return new TmcaError('DISPOSED', `${where}: the device must be open, got a disposed one; open a new one`);
    if (this.#state === 'lost')
      return new TmcaError(
        'DEVICE_LOST',
        `${where}: the device must be available, got a lost one (${this.#loss}); open a new one and try again`,
        { retryable: true },
      );
    return undefined;
  }

  /** Why a promise of the device rejected. Work of a lost device is rejected before `lost` resolves: wait for that a moment. */
  async #explain(where: string, cause: unknown): Promise<TmcaError> {
    if (cause instanceof TmcaError) return cause;
    if (this.#state === 'open') await settled(this.device.lost, 50);
    const loss = this.#gone(where);
    return (
      loss ?? new TmcaError('GPU_FAILED', `${where}: the device must do its work, got ${cause}; report this`, { cause })
    );
  }
}

/** Resolves with the promise, or after `ms` milliseconds. */
function settled(promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function abortError(where: string, signal: AbortSignal | undefined): TmcaError {
  return new TmcaError('ABORTED', `${where}: stopped by its signal`, { cause: signal?.reason });
}

function gpuError(where: string, error: GPUError): TmcaError {
  // By name as well: Dawn in Node defines the classes only once its globals are installed.
  const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError';
  return outOfMemory
    ? new TmcaError(
        'GPU_OUT_OF_MEMORY',
        `${where}: the device must have the memory, got "${error.message}"; close other GPU work or use a smaller model, batch or dtype`,
        { cause: error },
      )
    : new TmcaError('GPU_FAILED', `${where}: the device must accept the work, got "${error.message}"; report this`, {
        cause: error,
      });
}
