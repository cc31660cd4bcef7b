// The parameters of a network in training, on the device: four flat arenas of one layout, so that an optimiser's step, a
// norm and a zeroing are each one dispatch, and a checkpoint one readback. What is not trained (frozen layers,
// BatchNorm's running statistics) lies behind, in the parameters' arena alone.

import { check } from '../../errors/index.js';
import { toFloat32 } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { BufferRange } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { Readback } from '../../gpu/readback.js';
import { type Shape, sizeOf } from '../../graph/graph.js';

/**
 * What the arenas hold. Parameters and their moving average are whole networks; gradients and Adam's moments are those of
 * the trained parameters alone.
 */
export type ArenaKind = 'parameters' | 'average' | 'gradients' | 'moment1' | 'moment2';

const isWhole = (kind: ArenaKind): boolean => kind === 'parameters' || kind === 'average';

/** The trained parameters by name, each with its learning rate relative to the schedule's. */
export type Trained = ReadonlyMap<string, number>;

/** A stretch of an arena that fits one binding. */
export interface Piece extends BufferRange {
  /** The relative learning rate of all parameters in the piece. */
  readonly lrScale: number;
}

interface Place {
  readonly shape: Shape;
  /** Bytes from the start of each arena; the gap to the next place holds zeros. */
  readonly offset: number;
  readonly trained: boolean;
}

/** Read at a time. */
const READ_BYTES = 64 << 20;

/** Places begin at multiples of this number of bytes, where a binding may begin on any device. */
const ALIGNMENT = 256;

/** Parameters of one learning rate, side by side: bytes of the arenas. */
interface Group {
  readonly lrScale: number;
  readonly start: number;
  readonly end: number;
}

function layOut(
  shapes: ReadonlyMap<string, Shape>,
  trained: Trained,
): { places: Map<string, Place>; groups: Group[]; trainedBytes: number; bytes: number } {
  const places = new Map<string, Place>();
  let bytes = 0;
  const put = (belongs: (name: string) => boolean) => {
    const start = bytes;
    for (const [name, shape] of shapes) {
      if (!belongs(name)) continue;
      places.set(name, { shape, offset: bytes, trained: trained.has(name) });
      bytes += Math.ceil((sizeOf(shape) * 4) / ALIGNMENT) * ALIGNMENT;
    }
    return { start, end: bytes };
  };
  const scales = new Set([...shapes.keys()].flatMap(name => trained.get(name) ?? []));
  const groups = [...scales].map(lrScale => ({ lrScale, ...put(name => trained.get(name) === lrScale) }));
  const trainedBytes = bytes;
  put(name => !trained.has(name));
  return { places, groups, trainedBytes, bytes };
}

/** Bytes of an arena over all parameters, and of one over the trained ones. */
export function arenaSizes(shapes: ReadonlyMap<string, Shape>, trained: Trained): { whole: number; trained: number } {
  const { bytes, trainedBytes } = layOut(shapes, trained);
  return { whole: bytes, trained: trainedBytes };
}

export class ParameterArena {
  private constructor(
    readonly gpu: GpuDevice,
    private readonly places: ReadonlyMap<string, Place>,
    private readonly groups: readonly Group[],
    private readonly buffers: Readonly<Partial<Record<ArenaKind, GPUBuffer>>>,
    /** Bytes of all trained parameters with the gaps between them: what a step goes over. */
    readonly trainedBytes: number,
  ) {}

  /**
   * Zeroed arenas for parameters of these names and shapes, with one for a moving average where it is asked for.
   *
   * Errors: BAD_ARGUMENT (nothing to train), GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, DISPOSED.
   */
  static async create(
    gpu: GpuDevice,
    shapes: ReadonlyMap<string, Shape>,
    trained: Trained,
    { average = false }: { readonly average?: boolean } = {},
  ): Promise<ParameterArena> {
    const { places, groups, trainedBytes, bytes } = layOut(shapes, trained);
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
        ...(average ? { average: await make('average', bytes) } : {}),
        gradients: await make('gradients', trainedBytes),
        moment1: await make('moment1', trainedBytes),
        moment2: await make('moment2', trainedBytes),
      };
      return new ParameterArena(gpu, places, groups, buffers, trainedBytes);
    } catch (error) {
      for (const buffer of made) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  get names(): readonly string[] {
    return [...this.places.keys()];
  }

  /** Tells whether an arena was asked for. */
  has(kind: ArenaKind): boolean {
    return this.buffers[kind] !== undefined;
  }

  isTrained(name: string): boolean {
    return this.#place(name).trained;
  }

  /** One parameter's part of an arena; its size is rounded up so that it can be bound as vectors of four. */
  range(kind: ArenaKind, name: string): BufferRange {
    const { shape, offset, trained } = this.#place(name);
    check(trained || isWhole(kind), 'INTERNAL', `ParameterArena: ${name} is not trained, it has no ${kind}`);
    return { buffer: this.#buffer(kind), offset, size: Math.ceil((sizeOf(shape) * 4) / 16) * 16 };
  }

  /** The trained part of an arena in pieces of one learning rate that each fit one binding; the same for every arena. */
  pieces(kind: ArenaKind): Piece[] {
    return this.groups.flatMap(group => this.#cut(kind, group));
  }

  /** As `pieces`, of all that an arena holds. */
  wholePieces(kind: 'parameters' | 'average'): BufferRange[] {
    return this.#cut(kind, { lrScale: 0, start: 0, end: this.#buffer(kind).size });
  }

  #cut(kind: ArenaKind, { lrScale, start, end }: Group): Piece[] {
    const most = Math.floor(this.gpu.limits.maxStorageBufferBindingSize / ALIGNMENT) * ALIGNMENT;
    const buffer = this.#buffer(kind);
    return Array.from({ length: Math.ceil((end - start) / most) }, (_, i) => {
      const offset = start + i * most;
      return { buffer, offset, size: Math.min(most, end - offset), lrScale };
    });
  }

  /**
   * Fills an arena from a checkpoint or a saved state; names that it does not hold are passed over.
   *
   * Errors: MODEL_INCOMPLETE where a parameter does not come, SHAPE_MISMATCH, and what the stream throws.
   */
  async load(stream: ParameterStream, kind: ArenaKind = 'parameters'): Promise<void> {
    const missing = new Set([...this.places].filter(([, p]) => p.trained || isWhole(kind)).map(([name]) => name));
    for await (const tensor of stream.tensors()) {
      if (!missing.delete(tensor.name)) continue;
      const { shape, offset } = this.#place(tensor.name);
      const values = toFloat32(tensor);
      check(
        values.length === sizeOf(shape),
        'SHAPE_MISMATCH',
        () => `ParameterArena.load: ${tensor.name} must be [${shape}], got [${tensor.shape}]`,
      );
      this.gpu.device.queue.writeBuffer(this.#buffer(kind), offset, values as Float32Array<ArrayBuffer>);
    }
    check(
      missing.size === 0,
      'MODEL_INCOMPLETE',
      () => `ParameterArena.load: every parameter must come, missing ${[...missing].join(', ')}`,
    );
    this.gpu.check('ParameterArena.load');
  }

  /** Begins the moving average as a copy of the parameters. */
  startAverage(): void {
    const { device } = this.gpu;
    const [from, to] = [this.#buffer('parameters'), this.#buffer('average')];
    const encoder = device.createCommandEncoder({ label: 'start average' });
    encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
    device.queue.submit([encoder.finish()]);
  }

  /** The arena's tensors as they are when the work submitted so far has run; nothing may be submitted that changes them meanwhile. */
  async read(
    readback: Readback,
    kind: ArenaKind = 'parameters',
    partBytes: number = READ_BYTES,
  ): Promise<Map<string, { shape: Shape; data: Float32Array }>> {
    const buffer = this.#buffer(kind);
    const bytes = new Uint8Array(buffer.size);
    // in parts: a staging buffer of the whole would take as much memory of the device again
    for (let offset = 0; offset < buffer.size; offset += partBytes) {
      const size = Math.min(partBytes, buffer.size - offset);
      await readback.view({ buffer, offset, size }, part => bytes.set(part, offset));
    }
    const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
    for (const [name, { shape, offset, trained }] of this.places) {
      if (trained || isWhole(kind))
        tensors.set(name, { shape, data: new Float32Array(bytes.buffer, offset, sizeOf(shape)) });
    }
    return tensors;
  }

  /** Zeroes an arena. */
  clear(encoder: GPUCommandEncoder, kind: ArenaKind): void {
    encoder.clearBuffer(this.#buffer(kind));
  }

  /** Twice is fine. */
  dispose(): void {
    for (const buffer of Object.values(this.buffers)) this.gpu.destroyBuffer(buffer);
  }

  #buffer(kind: ArenaKind): GPUBuffer {
    const buffer = this.buffers[kind];
    check(buffer, 'INTERNAL', `ParameterArena: there must be an arena of that kind, got ${kind}`);
    return buffer;
  }

  #place(name: string): Place {
    const place = this.places.get(name);
    check(place, 'INTERNAL', () => `ParameterArena: there must be a parameter of that name, got ${name}`);
    return place;
  }
}
