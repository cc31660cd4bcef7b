// Everything a model knows at load, on the device: parameters as they are stored, and what the fold pass made of them.
// Tensors stream in file order; what is folded is evaluated on the host as soon as its parameters are there and let go.

import type { Assembly } from '../../assembly/index.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import type { BufferRange } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { Storage } from '../../gpu/kernel.js';
import { isOp, parametersOf, type Tensor } from '../../model/graph.js';
import { evaluate } from '../../model/interpreter.js';
import { bytesOf, type Program } from '../../model/lower.js';
import { StructuralKeys } from '../../model/structure.js';
import { toFloat32 } from '../safetensors/to-float32.js';
import type { Progress } from '../types.js';
import { encodeStorage, type ParameterStream } from './encode.js';

/** A tensor known at load, in one storage. */
export interface Constant {
  readonly tensor: Tensor;
  readonly storage: Storage;
  readonly bytes: number;
  /** The parameter that it is, where nothing has to be computed. */
  readonly direct?: string;
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Of offsets; any device takes it. */
const ALIGNMENT = 256;
/** Of sizes, so that a constant can be bound as vectors of four; the padding holds anything. */
const VECTOR_BYTES = 16;
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** The parameter behind views, or undefined where there is arithmetic or movement. */
function directParameter(tensor: Tensor): string | undefined {
  let t = tensor;
  while (isOp(t) && t.op === 'reshape') t = t.inputs[0]!;
  return t.op === 'parameter' ? t.name : undefined;
}

const constantKey = (keys: StructuralKeys, tensor: Tensor, storage: Storage): string => `${keys.of(tensor)} ${storage}`;

/** What `programs` read that is known at load, each once, whichever programs share it. */
export function collectConstants(
  programs: readonly Program[],
  keys: StructuralKeys = new StructuralKeys(),
): ReadonlyMap<string, Constant> {
  const constants = new Map<string, Constant>();
  for (const { buffers } of programs) {
    for (const { role, tensor, storage } of buffers) {
      if (role !== 'constant') continue;
      const direct = directParameter(tensor!);
      const bytes = bytesOf(tensor!.shape, storage);
      constants.set(constantKey(keys, tensor!, storage), {
        tensor: tensor!,
        storage,
        bytes,
        ...(direct ? { direct } : {}),
      });
    }
  }
  return constants;
}

/** The constants of several programs on one device, each stored once. */
export class WeightStore {
  readonly #ranges = new Map<string, BufferRange>();
  readonly #buffers: GPUBuffer[] = [];
  readonly #keys = new StructuralKeys();

  private constructor(
    private readonly gpu: GpuDevice,
    private readonly assembly: Assembly,
  ) {}

  /**
   * Uploads every constant that `programs` read.
   * @throws TmcaError MODEL_INCOMPLETE where the stream ends before a parameter came; what the stream and the device throw.
   */
  static async load(
    gpu: GpuDevice,
    assembly: Assembly,
    programs: readonly Program[],
    stream: ParameterStream,
    options: LoadOptions = {},
  ): Promise<WeightStore> {
    const store = new WeightStore(gpu, assembly);
    try {
      const constants = collectConstants(programs, store.#keys);
      await store.#allocate(constants);
      await store.#fill(constants, stream, options);
      return store;
    } catch (error) {
      store.dispose();
      throw error;
    }
  }

  /** Where a constant lies. */
  range(tensor: Tensor, storage: Storage): BufferRange {
    const range = this.#ranges.get(this.#key(tensor, storage));
    check(range, 'INTERNAL', () => `WeightStore.range: a constant must be loaded, got ${tensor.op} as ${storage}`);
    return range;
  }

  dispose(): void {
    for (const buffer of this.#buffers.splice(0)) this.gpu.destroyBuffer(buffer);
    this.#ranges.clear();
  }

  #key(tensor: Tensor, storage: Storage): string {
    return constantKey(this.#keys, tensor, storage);
  }

  /** Packs the constants into as few buffers as the device's limits allow. */
  async #allocate(constants: ReadonlyMap<string, Constant>): Promise<void> {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.gpu.limits;
    const places: { key: string; buffer: number; offset: number; size: number }[] = [];
    const sizes: number[] = [];
    for (const [key, { bytes, tensor }] of constants) {
      check(
        bytes <= maxStorageBufferBindingSize,
        'GPU_LIMIT',
        () =>
          `WeightStore.load: a weight may take ${maxStorageBufferBindingSize} bytes on this device, got ${bytes} for ${tensor.op} [${tensor.shape}]; use fp16`,
      );
      const size = roundUp(bytes, ALIGNMENT);
      const room = sizes.length > 0 && sizes[sizes.length - 1]! + size <= maxBufferSize;
      if (!room) sizes.push(0);
      const buffer = sizes.length - 1;
      places.push({ key, buffer, offset: sizes[buffer]!, size: roundUp(bytes, VECTOR_BYTES) });
      sizes[buffer]! += size;
    }
    for (const [i, size] of sizes.entries()) {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      this.#buffers.push(await this.gpu.createBuffer({ label: `weights.${i}`, size, usage, kind: 'weights' }));
    }
    for (const { key, buffer, offset, size } of places) {
      this.#ranges.set(key, { buffer: this.#buffers[buffer]!, offset, size });
    }
  }

  async #fill(constants: ReadonlyMap<string, Constant>, stream: ParameterStream, options: LoadOptions): Promise<void> {
    const direct = new Map<string, { key: string; constant: Constant }[]>();
    const computed: Computed[] = [];
    for (const [key, constant] of constants) {
      if (constant.direct === undefined) computed.push(new Computed(key, constant));
      else direct.set(constant.direct, [...(direct.get(constant.direct) ?? []), { key, constant }]);
    }
    const held = new HeldParameters(computed);
    const total = [...constants.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    let loaded = 0;
    const upload = (key: string, { storage, bytes }: Constant, data: Uint8Array) => {
      const { buffer, offset } = this.#ranges.get(key)!;
      this.gpu.device.queue.writeBuffer(buffer, offset, data as Uint8Array<ArrayBuffer>);
      loaded += bytes;
      options.onProgress?.({ phase: 'weights', file: storage, loaded, total });
    };
    for (const ready of held.take(undefined)) upload(ready.key, ready.constant, ready.evaluate(held, this.assembly));
    for await (const parameter of stream.tensors()) {
      throwIfAborted(options.signal, 'WeightStore.load');
      for (const { key, constant } of direct.get(parameter.name) ?? [])
        upload(key, constant, encodeStorage(this.assembly, parameter, constant.storage));
      direct.delete(parameter.name);
      if (!held.wants(parameter.name)) continue;
      held.put(parameter.name, toFloat32(parameter));
      for (const ready of held.take(parameter.name))
        upload(ready.key, ready.constant, ready.evaluate(held, this.assembly));
    }
    const missing = [...direct.keys(), ...held.missing()];
    if (missing.length > 0) {
      throw new TmcaError(
        'MODEL_INCOMPLETE',
        `WeightStore.load: every parameter must be in the file, missing ${missing.join(', ')}`,
      );
    }
    this.gpu.check('WeightStore.load');
  }
}

/** A constant that the host computes from parameters. */
class Computed {
  readonly parameters: readonly string[];

  constructor(
    readonly key: string,
    readonly constant: Constant,
  ) {
    this.parameters = [...parametersOf({ value: constant.tensor }).keys()];
  }

  evaluate(held: HeldParameters, assembly: Assembly): Uint8Array {
    const { tensor, storage } = this.constant;
    const { value } = evaluate({ value: tensor }, { parameter: name => held.get(name) });
    held.release(this);
    const name = this.parameters[0] ?? tensor.op;
    const values = new Float32Array(value.data);
    const bytes = new Uint8Array(values.buffer);
    return encodeStorage(assembly, { name, dtype: 'F32', shape: value.shape, bytes }, storage);
  }
}

/** Parameters that wait on the host for the others of their expression, each let go after its last reader. */
class HeldParameters {
  readonly #values = new Map<string, Float32Array>();
  readonly #readers = new Map<string, Set<Computed>>();
  readonly #waiting: Set<Computed>;

  constructor(computed: readonly Computed[]) {
    this.#waiting = new Set(computed);
    for (const item of computed)
      for (const name of item.parameters) this.#readers.set(name, (this.#readers.get(name) ?? new Set()).add(item));
  }

  wants = (name: string): boolean => this.#readers.has(name);
  put = (name: string, values: Float32Array): unknown => this.#values.set(name, values);

  get(name: string): Float32Array {
    const values = this.#values.get(name);
    check(values, 'INTERNAL', () => `WeightStore.load: ${name} must be held while it has readers`);
    return values;
  }

  /** What has become computable with the parameter `name` (undefined: what needs none). */
  take(name: string | undefined): Computed[] {
    const candidates = name === undefined ? [...this.#waiting] : [...(this.#readers.get(name) ?? [])];
    const ready = candidates.filter(item => this.#waiting.has(item) && item.parameters.every(p => this.#values.has(p)));
    for (const item of ready) this.#waiting.delete(item);
    return ready;
  }

  release(item: Computed): void {
    for (const name of item.parameters) {
      const readers = this.#readers.get(name)!;
      readers.delete(item);
      if (readers.size > 0) continue;
      this.#readers.delete(name);
      this.#values.delete(name);
    }
  }

  missing(): string[] {
    return [...new Set([...this.#waiting].flatMap(item => item.parameters.filter(p => !this.#values.has(p))))];
  }
}
