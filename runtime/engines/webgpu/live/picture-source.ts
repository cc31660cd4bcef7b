// From what a browser hands over to a picture that kernels can read. A frame of a video is read where it lies (an external texture);
// where that is not to be had (Firefox; a bitmap; a frame with alpha), it is copied into a texture of our own, on the device too.

import { check, TmcaError } from '../../../../errors/index.js';
import type { GpuDevice } from '../../../../gpu/device.js';
import type { TextureKind } from '../../../../gpu/kernel.js';
import type { PipelineCache } from '../../../../gpu/pipelines.js';
import type { LiveSource } from '../../../live/live-engine.js';

/** Good for one frame. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly texture: TextureKind;
  /** Group 1 of the kernels that read it. */
  readonly group: GPUBindGroup;
}

/**
 * `external`: read where it lies. `copy`: copied. `bitmap`: copied from a bitmap that is made of it, where a browser does not take a
 * VideoFrame for a source of copies.
 */
type Way = 'external' | 'copy' | 'bitmap';

/** The ways of one kind of source, best first; those that were refused are gone. */
interface Ways {
  readonly left: Way[];
  /** Whether the device has accepted the first of them. */
  proven: boolean;
}

interface Copied {
  readonly texture: GPUTexture;
  readonly picture: Picture;
}

export class PictureSource {
  readonly #ways: Readonly<Record<'frame' | 'alpha' | 'bitmap', Ways>> = {
    frame: { left: ['external', 'copy', 'bitmap'], proven: false },
    // Whether an external texture comes multiplied by its alpha is the browser's choice; a copy is made as we ask.
    alpha: { left: ['copy', 'bitmap'], proven: false },
    bitmap: { left: ['copy'], proven: false },
  };
  #copied: Copied | undefined;

  constructor(private readonly pipelines: PipelineCache) {}

  /**
   * The picture of a source, to be used before the source is closed. A way that the browser refuses is not tried again.
   *
   * Errors: IMAGE_UNREADABLE (a closed source, or one that no way can read), IMAGE_TOO_LARGE, DEVICE_LOST, DISPOSED, GPU_OUT_OF_MEMORY.
   */
  async take(source: LiveSource): Promise<Picture> {
    const ways = this.#ways[kindOf(source)];
    for (;;) {
      const { width, height } = sizeOf(source);
      try {
        const picture = await this.#by(ways.left[0]!, ways.proven, source, width, height);
        ways.proven = true;
        return picture;
      } catch (cause) {
        sizeOf(source); // it may have been closed meanwhile, which says nothing about the way
        if (cause instanceof TmcaError && cause.code !== 'GPU_FAILED') throw cause;
        if (ways.left.length === 1)
          throw new TmcaError(
            'IMAGE_UNREADABLE',
            `live: the frame must be one that this browser gives to WebGPU, got ${cause}; use the path through the host`,
            { cause },
          );
        ways.left.shift();
        ways.proven = false;
      }
    }
  }

  /** Frees the texture. Twice is fine. */
  dispose(): void {
    if (this.#copied) this.#gpu.destroyTexture(this.#copied.texture);
    this.#copied = undefined;
  }

  async #by(way: Way, proven: boolean, source: LiveSource, width: number, height: number): Promise<Picture> {
    if (way === 'external') {
      const group = await this.#once(proven, 'import a frame', () => this.#external(source as VideoFrame));
      return { width, height, texture: 'external', group };
    }
    const { texture, picture } = await this.#room(width, height);
    const bitmap = way === 'bitmap' ? await createImageBitmap(source) : null;
    try {
      const copy = { texture, premultipliedAlpha: true, colorSpace: 'srgb' } as const;
      await this.#once(proven, 'copy a frame', () =>
        this.#gpu.device.queue.copyExternalImageToTexture({ source: bitmap ?? source }, copy, [width, height]),
      );
    } finally {
      bitmap?.close();
    }
    return picture;
  }

  /** The first time, with the device's word on it; from then on at once. */
  #once<T>(proven: boolean, where: string, work: () => T): T | Promise<T> {
    return proven ? work() : this.#gpu.scoped(where, work);
  }

  #external(source: VideoFrame): GPUBindGroup {
    const { device } = this.#gpu;
    const resource = device.importExternalTexture({ label: 'live frame', source });
    const layout = this.pipelines.textureLayout('external');
    return device.createBindGroup({ label: 'live frame', layout, entries: [{ binding: 0, resource }] });
  }

  /** A texture of this size: the last one where it fits. */
  async #room(width: number, height: number): Promise<Copied> {
    const last = this.#copied;
    if (last?.picture.width === width && last.picture.height === height) return last;
    const most = this.#gpu.limits.maxTextureDimension2D;
    check(
      width <= most && height <= most,
      'IMAGE_TOO_LARGE',
      `live: a frame must have at most ${most} pixels a side on this device, got ${width}x${height}; make it smaller`,
    );
    this.dispose();
    this.#copied = await copyTarget(this.pipelines, width, height);
    return this.#copied;
  }

  get #gpu(): GpuDevice {
    return this.pipelines.gpu;
  }
}

/** A texture that pictures can be copied into, and the picture that it then is. */
export async function copyTarget(pipelines: PipelineCache, width: number, height: number): Promise<Copied> {
  const { gpu } = pipelines;
  const texture = await gpu.createTexture({
    label: 'live texture',
    size: [width, height],
    format: 'rgba8unorm',
    usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.RENDER_ATTACHMENT,
  });
  const layout = pipelines.textureLayout('2d');
  const entries = [{ binding: 0, resource: texture.createView() }];
  const group = gpu.device.createBindGroup({ label: 'live texture', layout, entries });
  return { texture, picture: { width, height, texture: '2d', group } };
}

const isFrame = (source: LiveSource): source is VideoFrame => 'displayWidth' in source;

function kindOf(source: LiveSource): 'frame' | 'alpha' | 'bitmap' {
  if (!isFrame(source)) return 'bitmap';
  return source.format?.includes('A') ? 'alpha' : 'frame'; // I420A, RGBA, BGRA, …
}

function sizeOf(source: LiveSource): { width: number; height: number } {
  const [width, height] = isFrame(source) ? [source.displayWidth, source.displayHeight] : [source.width, source.height];
  check(
    width > 0 && height > 0,
    'IMAGE_UNREADABLE',
    `live: the frame must have pixels, got ${width}x${height}; close it only when its run has settled`,
  );
  return { width, height };
}
