// Compute pipelines by key: one module for each assembled text, one pipeline for each module and set of constants, all
// compiled at once with createComputePipelineAsync while weights upload.

import { check, TmcaError } from '../errors/index.js';
import type { GpuDevice } from './device.js';
import type { Binding, KernelCall, Shader, TextureKind, Uniforms } from './kernel.js';
import { locateLine, moduleKey, type ShaderPart, shaderKey, shaderParts } from './shader.js';
import { type UniformBlock, type UniformField, uniformFields } from './uniforms.js';

export interface PipelineProgress {
  readonly loaded: number;
  readonly total: number;
}

/** What a pipeline needs to know of a call. */
type PipelineCall = Pick<KernelCall<unknown>, 'shader' | 'constants' | 'bindings'>;

/** A module that may be used before it is known to be valid: a pipeline of an invalid one is refused, and `valid` says why. */
interface CheckedModule {
  readonly module: GPUShaderModule;
  /** Rejects with the compiler's messages. */
  readonly valid: Promise<void>;
  readonly fields: readonly UniformField[];
}

const caches = new WeakMap<GpuDevice, PipelineCache>();

/** The pipelines of one device. They live as long as it does; there is nothing to dispose. */
export class PipelineCache {
  readonly #sources = new Map<string, string>();
  readonly #modules = new Map<string, CheckedModule>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  #compiled = 0;

  constructor(readonly gpu: GpuDevice) {}

  /** The device's own, shared by all who ask: what its self-test compiled is there for the network. */
  static of(gpu: GpuDevice): PipelineCache {
    const cache = caches.get(gpu) ?? new PipelineCache(gpu);
    caches.set(gpu, cache);
    return cache;
  }

  /** Pipelines compiled so far. */
  get size(): number {
    return this.#compiled;
  }

  /**
   * The pipeline of every call, in order. Those that are new compile in parallel; `onProgress` counts different pipelines,
   * those already there included.
   *
   * Errors: SHADER_INVALID (with the `.wgsl` file and line), UNSUPPORTED, GPU_LIMIT, GPU_FAILED, DEVICE_LOST, DISPOSED.
   */
  async compile(
    calls: readonly PipelineCall[],
    onProgress?: (progress: PipelineProgress) => void,
  ): Promise<GPUComputePipeline[]> {
    this.gpu.check('compile');
    const pipelines = calls.map(call => this.#pipeline(call));
    const distinct = new Set(pipelines);
    let loaded = 0;
    for (const pipeline of distinct)
      pipeline.then(
        () => onProgress?.({ loaded: ++loaded, total: distinct.size }),
        () => undefined, // reported by the line below
      );
    return Promise.all(pipelines);
  }

  /** Uniform block at 0, then a storage buffer for each binding; calls with the same accesses share the layout. */
  layout(bindings: readonly Binding<unknown>[]): GPUBindGroupLayout {
    const key = bindings.map(({ access }) => (access === 'read' ? 'r' : 'w')).join('');
    let layout = this.#layouts.get(key);
    if (!layout) {
      layout = this.gpu.device.createBindGroupLayout({ label: `layout ${key}`, entries: layoutEntries(bindings) });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /** Values for a compiled kernel, with the fields that its text declares. */
  uniformBlock(shader: Shader, values: Uniforms): UniformBlock {
    return { kernel: shader.name, fields: this.#module(shader).fields, values };
  }

  /** Group 1 of a kernel that reads a picture (`Shader.texture`). */
  textureLayout(texture: TextureKind): GPUBindGroupLayout {
    let layout = this.#layouts.get(texture);
    if (!layout) {
      const entry = { binding: 0, visibility: GPUShaderStage.COMPUTE };
      const entries = [texture === 'external' ? { ...entry, externalTexture: {} } : { ...entry, texture: {} }];
      layout = this.gpu.device.createBindGroupLayout({ label: `layout texture ${texture}`, entries });
      this.#layouts.set(texture, layout);
    }
    return layout;
  }

  #pipeline(call: PipelineCall): Promise<GPUComputePipeline> {
    const { shader, constants, bindings } = call;
    this.#checkSource(shader);
    const key = shaderKey(shader, constants, this.gpu.features);
    // Accesses belong to the layout, hence to the pipeline, though a kernel should not vary them.
    const full = `${key}|${bindings.map(b => b.access).join()}`;
    let pipeline = this.#pipelines.get(full);
    if (!pipeline) {
      pipeline = this.#create(call, key);
      this.#pipelines.set(full, pipeline);
      // A failed pipeline is not kept, so that a retry reports its own error.
      pipeline.catch(() => this.#pipelines.delete(full));
    }
    return pipeline;
  }

  async #create({ shader, constants, bindings }: PipelineCall, key: string): Promise<GPUComputePipeline> {
    const { gpu } = this;
    const most = gpu.limits.maxStorageBuffersPerShaderStage;
    check(
      bindings.length <= most,
      'GPU_LIMIT',
      `compile: ${shader.name} must bind at most ${most} storage buffers on this device, got ${bindings.length}; choose a variant with fewer`,
    );
    const { module, valid } = this.#module(shader);
    const where = `compile ${key}`;
    const bindGroupLayouts = [this.layout(bindings), ...(shader.texture ? [this.textureLayout(shader.texture)] : [])];
    const layout = gpu.device.createPipelineLayout({ label: shader.name, bindGroupLayouts });
    const compute = { module, constants: { ...constants } };
    try {
      const created = gpu.guard(where, gpu.device.createComputePipelineAsync({ label: key, layout, compute }));
      created.catch(() => undefined); // what is wrong with its module is the better answer
      await valid;
      const pipeline = await created;
      this.#compiled++;
      return pipeline;
    } catch (error) {
      if (!(error instanceof TmcaError) || error.code !== 'GPU_FAILED') throw error;
      throw new TmcaError(
        'SHADER_INVALID',
        `${where}: the pipeline must be valid on this device, got ${error.cause}; report this`,
        { cause: error.cause },
      );
    }
  }

  #module(shader: Shader): CheckedModule {
    const key = moduleKey(shader, this.gpu.features);
    let checked = this.#modules.get(key);
    if (!checked) {
      checked = this.#createModule(shader);
      this.#modules.set(key, checked);
      checked.valid.catch(() => this.#modules.delete(key));
    }
    return checked;
  }

  /** Keys hold names, not sources: two sources of one name would share a pipeline in silence. */
  #checkSource({ name, source }: Shader): void {
    const known = this.#sources.get(name) ?? source;
    check(
      known === source,
      'INTERNAL',
      `compile: one kernel name must stand for one source, got two for ${name}; rename one`,
    );
    this.#sources.set(name, source);
  }

  #createModule(shader: Shader): CheckedModule {
    const { device } = this.gpu;
    const parts = shaderParts(shader, this.gpu.features, this.gpu.includes);
    const code = parts.map(part => part.text).join('');
    // The scope only keeps the error from being reported a second time as uncaptured; the messages say more.
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: shader.name, code });
    const valid = this.#validate(shader, parts, module, device.popErrorScope());
    return { module, valid, fields: uniformFields(shader.name, code) };
  }

  async #validate(
    shader: Shader,
    parts: readonly ShaderPart[],
    module: GPUShaderModule,
    scope: Promise<GPUError | null>,
  ): Promise<void> {
    const said = Promise.all([scope, module.getCompilationInfo()]);
    const [error, info] = await this.gpu.guard(`compile ${shader.name}`, said);
    const messages = info.messages.filter(message => message.type === 'error');
    if (messages.length === 0 && !error) return;
    const found = messages.map(({ lineNum, linePos, message }) => {
      const { file, line } = locateLine(parts, lineNum);
      return `${file}:${line}:${linePos} ${message}`;
    });
    throw new TmcaError(
      'SHADER_INVALID',
      `compile: ${shader.name} must be valid WGSL on this device, got ${found.join('; ') || error?.message}; report this`,
    );
  }
}

function layoutEntries(bindings: readonly Binding<unknown>[]): GPUBindGroupLayoutEntry[] {
  const visibility = GPUShaderStage.COMPUTE;
  return [
    { binding: 0, visibility, buffer: { type: 'uniform' } },
    ...bindings.map(
      ({ access }, i): GPUBindGroupLayoutEntry => ({
        binding: i + 1,
        visibility,
        buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
      }),
    ),
  ];
}
