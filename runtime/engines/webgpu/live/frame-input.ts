// From a picture on the device to the input of the frame plan, without the host: resized, measured, normalised. Made once for a size of
// pictures; a frame allocates nothing.

import type { Normalize } from '../../../../assembly/preprocess.js';
import { type BufferRange, CommandPlan } from '../../../../gpu/commands.js';
import type { GpuDevice } from '../../../../gpu/device.js';
import type { KernelCall } from '../../../../gpu/kernel.js';
import { normalizePixels } from '../../../../gpu/kernels/live/normalize-pixels.js';
import {
  pixelStatistics,
  pixelStatisticsPartial,
  pixelStatisticsWords,
} from '../../../../gpu/kernels/live/pixel-statistics.js';
import { resampleColumns, resampleRows } from '../../../../gpu/kernels/live/resample.js';
import type { PipelineCache } from '../../../../gpu/pipelines.js';
import type { Picture } from './picture-source.js';

/** What the network wants of a picture. */
interface Form {
  readonly imageSize: number;
  readonly normalize: Normalize;
}

/** Where the network reads the picture: [size, size, 3]. */
export interface ImageInput {
  readonly range: BufferRange;
  readonly act: 'f32' | 'f16';
}

/** What a prepared sequence was made for. */
interface Fitted {
  readonly picture: Pick<Picture, 'width' | 'height' | 'texture'>;
  readonly image: ImageInput;
  readonly commands: CommandPlan;
  readonly columns: GPUBuffer;
}

export class FrameInput {
  #fitted: Fitted | undefined;

  private constructor(
    private readonly pipelines: PipelineCache,
    private readonly config: Form,
    /** Where mean, deviation and histogram of a picture are written, as `pixelStatistics` does. */
    private readonly statistics: BufferRange,
    private readonly pixels: GPUBuffer,
    private readonly partial: GPUBuffer,
  ) {}

  /** Errors: GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, DISPOSED. */
  static async create(pipelines: PipelineCache, config: Form, statistics: BufferRange): Promise<FrameInput> {
    const { gpu } = pipelines;
    const { imageSize: size } = config;
    const pixels = await words(gpu, 'live pixels', size * size);
    const partial = await words(gpu, 'live statistics', pixelStatisticsWords(size));
    return new FrameInput(pipelines, config, statistics, pixels, partial);
  }

  /** Makes ready for pictures of this size and kind. Errors: those of `CommandPlan.create`. */
  async fit(picture: Fitted['picture'], image: ImageInput): Promise<void> {
    const { width, height, texture } = picture;
    const last = this.#fitted;
    const fits =
      last?.picture.width === width &&
      last.picture.height === height &&
      last.picture.texture === texture &&
      last.image.range === image.range;
    if (fits) return;
    this.#release();
    const { gpu } = this.pipelines;
    const columns = await words(gpu, 'live columns', height * this.config.imageSize);
    try {
      const calls = this.#calls(picture, image, columns);
      const commands = await CommandPlan.create(this.pipelines, 'live picture', calls);
      this.#fitted = { picture, image, commands, columns };
    } catch (error) {
      gpu.destroyBuffer(columns);
      throw error;
    }
  }

  /** Into a pass, for a picture that `fit` was called for. */
  encodePass(pass: GPUComputePassEncoder, { group }: Pick<Picture, 'group'>): void {
    pass.setBindGroup(1, group);
    this.#fitted!.commands.encodePass(pass);
  }

  /** Frees everything. Twice is fine. */
  dispose(): void {
    this.#release();
    for (const buffer of [this.pixels, this.partial]) this.pipelines.gpu.destroyBuffer(buffer);
  }

  #calls(
    { width, height, texture }: Fitted['picture'],
    { range, act }: ImageInput,
    columnsBuffer: GPUBuffer,
  ): KernelCall<BufferRange>[] {
    const { imageSize: size, normalize } = this.config;
    const { statistics } = this;
    const [columns, pixels, partial] = [columnsBuffer, this.pixels, this.partial].map(whole) as Triple;
    return [
      resampleColumns({ height, width, size }, { out: columns }, texture),
      resampleRows({ height, size }, { rows: columns, out: pixels }),
      pixelStatisticsPartial({ size }, { pixels, partial }),
      pixelStatistics({ size }, { partial, out: statistics }),
      normalizePixels({ count: size * size, normalize }, { pixels, statistics, image: range }, { act }),
    ];
  }

  #release(): void {
    this.#fitted?.commands.dispose();
    if (this.#fitted) this.pipelines.gpu.destroyBuffer(this.#fitted.columns);
    this.#fitted = undefined;
  }
}

type Triple = [BufferRange, BufferRange, BufferRange];

const whole = (buffer: GPUBuffer): BufferRange => ({ buffer, offset: 0, size: buffer.size });

const words = (gpu: GpuDevice, label: string, count: number): Promise<GPUBuffer> =>
  gpu.createBuffer({ label, size: 4 * count, usage: GPUBufferUsage.STORAGE, kind: 'other' });
