// Everything a model knows at load, on the device: parameters as they are stored, and what the fold pass made of them.

import type { Assembly } from '../../../assembly/index.js';
import { check } from '../../../errors/index.js';
import type { SafetensorsTensor } from '../../../formats/safetensors/dtypes.js';
import { encodeStorage } from '../../../formats/weights/encode-storage.js';
import {
  directParameter,
  type LoadTime,
  loadConstants,
  type ParameterStream,
} from '../../../formats/weights/load-constants.js';
import type { BufferRange } from '../../../gpu/commands.js';
import type { GpuDevice } from '../../../gpu/device.js';
import type { Storage } from '../../../gpu/kernel.js';
import { StructuralKeys } from '../../../graph/constant-keys.js';
import { sizeOf, type Tensor } from '../../../graph/graph.js';
import { bytesOf, type Program } from '../../../graph/lower.js';
import { asOp } from '../../../graph/passes/rewrite.js';
import type { Progress } from '../../types.js';

/** A tensor known at load, in one storage. */
export interface Constant extends LoadTime {
  readonly storage: Storage;
  readonly bytes: number;
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Offsets are multiples of this number of bytes, which any device accepts. */
const ALIGNMENT = 256;
/** Sizes are multiples of this number of bytes, so that a constant can be bound as vectors of four; the padding holds anything. */
const VECTOR_BYTES = 16;
/** Elements of the narrowest storage in a word, of which writes have whole ones. */
const WORD = 4;
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

const constantKey = (keys: StructuralKeys, tensor: Tensor, storage: Storage): string => `${keys.of(tensor)} ${storage}`;

function constantOf(tensor: Tensor, storage: Storage): Constant {
  const direct = directParameter(tensor);
  return { tensor, storage, bytes: bytesOf(tensor.shape, storage), ...(direct ? { direct } : {}) };
}

/** What `programs` read that is known at load, each once, whichever programs share it. */
export function collectConstants(
  programs: readonly Program[],
  keys: StructuralKeys = new StructuralKeys(),
): ReadonlyMap<string, Constant> {
  const constants = new Map<string, Constant>();
  for (const { buffers } of programs) {
    for (const { role, tensor, storage } of buffers) {
      if (role !== 'constant') continue;
      constants.set(constantKey(keys, tensor!, storage), constantOf(tensor!, storage));
    }
  }
  return constants;
}

/** Bytes of what `programs` read that is known at load, and of the buffers that hold it. */
export function storedBytes(programs: readonly Program[]): { readonly bytes: number; readonly allocated: number } {
  let [bytes, allocated] = [0, 0];
  for (const constant of collectConstants(programs).values()) {
    bytes += constant.bytes;
    allocated += roundUp(constant.bytes, ALIGNMENT);
  }
  return { bytes, allocated };
}

/** Some of a constant's bytes, from `at` on. */
interface Part extends Constant {
  readonly of: string;
  readonly at: number;
}

/**
 * What stands one after another in a constant is written one after another, each as soon as it is there: stacked weights are never
 * stacked on the host. Writes need offsets in whole words.
 */
function partsOf(key: string, constant: Constant): (readonly [key: string, part: Part])[] {
  const stack = asOp(constant.tensor, 'concat');
  const splits = stack?.attrs.axis === 0 && stack.inputs.every(input => sizeOf(input!.shape) % WORD === 0);
  if (!splits) return [[key, { ...constant, of: key, at: 0 }]];
  let end = 0;
  return stack.inputs.map((input, i) => {
    const part = { ...constantOf(input!, constant.storage), of: key, at: end };
    end += part.bytes;
    return [`${key} ${i}`, part];
  });
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
    const parts = new Map([...constants].flatMap(([key, constant]) => partsOf(key, constant)));
    const total = [...constants.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    const halves = [...parts.values()].map(({ storage, bytes }) => (storage === 'f16' ? bytes / 2 : 0));
    const room = new Uint16Array(Math.max(0, ...halves));
    let loaded = 0;
    const upload = (_: string, { of, at, storage, bytes }: Part, values: SafetensorsTensor) => {
      const { buffer, offset } = this.#ranges.get(of)!;
      const data = encodeStorage(this.assembly, values, storage, room);
      this.gpu.device.queue.writeBuffer(buffer, offset + at, data as Uint8Array<ArrayBuffer>);
      loaded += bytes;
      options.onProgress?.({ phase: 'weights', file: storage, loaded, total });
    };
    await loadConstants('WeightStore.load', parts, stream, upload, options.signal);
    this.gpu.check('WeightStore.load');
  }
}
