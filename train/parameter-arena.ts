// The parameters of a network in training, on the device: four flat arenas of one layout, so that an optimiser's step, a
// norm and a zeroing are each one dispatch, and a checkpoint one readback. What is not trained (frozen layers,
// BatchNorm's running statistics) lies behind, in the parameters' arena alone.

import { check } from '../errors/index.js';
import type { BufferRange } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import type { Readback } from '../gpu/readback.js';
import { type Shape, sizeOf } from '../model/graph.js';
import { toFloat32 } from '../runtime/safetensors/index.js';
import type { ParameterStream } from '../runtime/webgpu/encode.js';

/** What the arenas hold of each trained parameter. The moments are Adam's. */
export type ArenaKind = 'parameters' | 'gradients' | 'moment1' | 'moment2';

interface Place {
  readonly shape: Shape;
  /** Bytes from the start of each arena; the gap to the next place holds zeros. */
  readonly offset: number;
  readonly trained: boolean;
}

/** Of places: a binding may begin there on any device. */
const ALIGNMENT = 256;

function layOut(
  shapes: ReadonlyMap<string, Shape>,
  trained: ReadonlySet<string>,
): { places: Map<string, Place>; trainedBytes: number; bytes: number } {
  const places = new Map<string, Place>();
  let bytes = 0;
  let trainedBytes = 0;
  for (const wanted of [true, false]) {
    for (const [name, shape] of shapes) {
      if (trained.has(name) !== wanted) continue;
      places.set(name, { shape, offset: bytes, trained: wanted });
      bytes += Math.ceil((sizeOf(shape) * 4) / ALIGNMENT) * ALIGNMENT;
    }
    if (wanted) trainedBytes = bytes;
  }
  return { places, trainedBytes, bytes };
}

export class ParameterArena {
  private constructor(
    readonly gpu: GpuDevice,
    private readonly places: ReadonlyMap<string, Place>,
    private readonly buffers: Readonly<Record<ArenaKind, GPUBuffer>>,
    /** Bytes of all trained parameters with the gaps between them: what a step goes over. */
    readonly trainedBytes: number,
  ) {}

  /**
   * Zeroed arenas for parameters of these names and shapes.
   *
   * Errors: BAD_ARGUMENT (nothing to train), GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, DISPOSED.
   */
  static async create(
    gpu: GpuDevice,
    shapes: ReadonlyMap<string, Shape>,
    trained: ReadonlySet<string>,
  ): Promise<ParameterArena> {
    const { places, trainedBytes, bytes } = layOut(shapes, trained);
    check(trainedBytes > 0, 'BAD_ARGUMENT', 'ParameterArena: at least one parameter must be trained, got none');
    const made: GPUBuffer[] = [];
    const make = async (kind: ArenaKind, size: number) => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
      const buffer = await gpu.createBuffer({ label: kind, size, usage, kind: 'weights' });
      made.push(buffer);
      return buffer;
    };
    try {
      const buffers = {
        parameters: await make('parameters', bytes),
        gradients: await make('gradients', trainedBytes),
        moment1: await make('moment1', trainedBytes),
        moment2: await make('moment2', trainedBytes),
      };
      return new ParameterArena(gpu, places, buffers, trainedBytes);
    } catch (error) {
      for (const buffer of made) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  get names(): readonly string[] {
    return [...this.places.keys()];
  }

  isTrained(name: string): boolean {
    return this.#place(name).trained;
  }

  /** One parameter's part of an arena; its size is rounded up so that it can be bound as vectors of four. */
  range(kind: ArenaKind, name: string): BufferRange {
    const { shape, offset, trained } = this.#place(name);
    check(trained || kind === 'parameters', 'INTERNAL', `ParameterArena: ${name} is not trained, it has no ${kind}`);
    return { buffer: this.buffers[kind], offset, size: Math.ceil((sizeOf(shape) * 4) / 16) * 16 };
  }

  /** The trained part of an arena in pieces that each fit one binding. */
  pieces(kind: ArenaKind): BufferRange[] {
    const most = Math.floor(this.gpu.limits.maxStorageBufferBindingSize / ALIGNMENT) * ALIGNMENT;
    const count = Math.ceil(this.trainedBytes / most);
    return Array.from({ length: count }, (_, i) => ({
      buffer: this.buffers[kind],
      offset: i * most,
      size: Math.min(most, this.trainedBytes - i * most),
    }));
  }

  /**
   * Fills an arena from a checkpoint or a saved state; names that it does not hold are passed over.
   *
   * Errors: MODEL_INCOMPLETE where a parameter does not come, SHAPE_MISMATCH, and what the stream throws.
   */
  async load(stream: ParameterStream, kind: ArenaKind = 'parameters'): Promise<void> {
    const missing = new Set(
      [...this.places].filter(([, p]) => p.trained || kind === 'parameters').map(([name]) => name),
    );
    for await (const tensor of stream.tensors()) {
      if (!missing.delete(tensor.name)) continue;
      const { shape, offset } = this.#place(tensor.name);
      const values = toFloat32(tensor);
      check(
        values.length === sizeOf(shape),
        'SHAPE_MISMATCH',
        () => `ParameterArena.load: ${tensor.name} must be [${shape}], got [${tensor.shape}]`,
      );
      this.gpu.device.queue.writeBuffer(this.buffers[kind], offset, values as Float32Array<ArrayBuffer>);
    }
    check(
      missing.size === 0,
      'MODEL_INCOMPLETE',
      () => `ParameterArena.load: every parameter must come, missing ${[...missing].join(', ')}`,
    );
    this.gpu.check('ParameterArena.load');
  }

  /** The arena's tensors as they are when the work submitted so far has run. */
  async read(
    readback: Readback,
    kind: ArenaKind = 'parameters',
  ): Promise<Map<string, { shape: Shape; data: Float32Array }>> {
    const { buffer } = this.range(kind, this.names[0]!);
    const bytes = await readback.read({ buffer, offset: 0, size: buffer.size });
    const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
    for (const [name, { shape, offset, trained }] of this.places) {
      if (trained || kind === 'parameters')
        tensors.set(name, { shape, data: new Float32Array(bytes.buffer, bytes.byteOffset + offset, sizeOf(shape)) });
    }
    return tensors;
  }

  /** Twice is fine. */
  dispose(): void {
    for (const buffer of Object.values(this.buffers)) this.gpu.destroyBuffer(buffer);
  }

  #place(name: string): Place {
    const place = this.places.get(name);
    check(place, 'INTERNAL', () => `ParameterArena: there must be a parameter of that name, got ${name}`);
    return place;
  }
}
