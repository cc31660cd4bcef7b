// What a worker keeps for streams: of each its lesions over time, and canvases to draw overlays on.

import { type FrameRequest, LiveFrames, type OverlaySurface } from '../../live/frames.js';
import type { LiveSource } from '../../live/live-engine.js';
import type { LiveSession } from '../../live/live-session.js';
import type { Report, Segmentation } from '../../types.js';
import { drawMask } from './draw-mask.js';
import type { FrameAnswer } from './protocol.js';
import type { Rasterizer } from './rasterizer.js';

export class LiveStreams {
  readonly #streams = new Map<number, LiveFrames>();

  constructor(private readonly rasterizer: Rasterizer) {}

  /** The surface stays the caller's. */
  async frame(
    session: LiveSession,
    stream: number,
    surface: LiveSource,
    report: Report | null,
    request: FrameRequest,
    signal: AbortSignal,
  ): Promise<FrameAnswer> {
    const frames = this.#streams.get(stream) ?? new LiveFrames(overlays());
    this.#streams.set(stream, frames);
    const asked = { report, read: (source: LiveSource) => this.rasterizer.draw(source), signal };
    const result = await session.live(asked, turn => frames.next(turn, surface, request, signal));
    const { device, reason, recoveries } = session.stats();
    return { ...result, engine: { device, reason, recoveries } };
  }

  forget(stream: number): void {
    this.#streams.delete(stream);
  }
}

/** A canvas for the device and one for the host, made when they are wanted: a canvas has one kind of context. */
function overlays(): () => OverlaySurface {
  let device: OffscreenCanvas | undefined;
  let host: OffscreenCanvas | undefined;
  const surface: OverlaySurface = {
    get canvas() {
      device ??= new OffscreenCanvas(1, 1);
      return device;
    },
    drawMask(result: Segmentation, { look }: FrameRequest) {
      host ??= new OffscreenCanvas(1, 1);
      drawMask(host, result, look);
      return host.transferToImageBitmap();
    },
  };
  return () => surface;
}
