// The frames of one stream, after the network: the average over time begins anew where the scene is another, lesions get their
// numbers, and the overlay is drawn.

import { FLAT } from '../../assembly/preprocess.js';
import { TmcaError } from '../../errors/index.js';
import { flatSegmentation, segmentationOf } from '../session/segmentation.js';
import type { Lesion, Segmentation } from '../types.js';
import { isCut } from './cut.js';
import type { LiveFrame, LiveSource } from './live-engine.js';
import type { LiveTurn } from './live-session.js';
import { type Size, sizeOf } from './placement.js';
import { type LiveSettings, UNSMOOTHED } from './settings.js';
import { Tracker } from './tracker.js';
import type { LiveLesion } from './types.js';

/** What a frame is run with. */
export interface FrameRequest extends LiveSettings {
  /** Begins the average and the lesions' numbers anew: the first frame, another sentence, a seek, a gap. */
  readonly reset: boolean;
  /** The picture stands still, as a paused video does: it is a still, which is not averaged. */
  readonly still: boolean;
  /** When the frame came, in milliseconds on the page's clock. */
  readonly at: number;
  /** Size of the overlay in pixels; null where none is drawn. */
  readonly overlay: { readonly width: number; readonly height: number } | null;
}

/** Where overlays are drawn. */
export interface OverlaySurface {
  /** For the device. */
  readonly canvas: OffscreenCanvas;
  /** Draws on the host. */
  drawMask(result: Segmentation, request: FrameRequest): ImageBitmap;
}

export interface FrameResult extends Segmentation {
  readonly lesions: readonly LiveLesion[];
  readonly fresh: boolean;
  /** Null where there is no lesion, or no overlay. */
  readonly overlay: ImageBitmap | null;
}

/** The stream whose average an engine holds: it holds one. */
const holders = new WeakMap<object, LiveFrames>();

/** The canvas that an engine draws on: it draws on one. */
const canvases = new WeakMap<object, OffscreenCanvas>();

/**
 * Devices that may be lost in a row while they draw, before the host draws in their place: a browser that puts its pages together on
 * the CPU may lose every device at its first canvas.
 */
const MOST_LOST = 2;

export class LiveFrames {
  #tracker: Tracker | undefined;
  #histogram: Float32Array | undefined;
  #engine: object | undefined;
  #sides = '';
  /** The last frame failed, or had nothing to see: what was averaged until then is not this scene's. */
  #broken = true;
  /** Devices in a row that were lost while they drew. */
  #lost = 0;

  constructor(private readonly surface: () => OverlaySurface) {}

  async next(turn: LiveTurn, source: LiveSource, request: FrameRequest, signal?: AbortSignal): Promise<FrameResult> {
    const start = performance.now();
    const { width, height } = sizeOf(source);
    const sides = `${width}x${height}`;
    const { smoothing } = request.still ? { smoothing: UNSMOOTHED } : request;
    const kept = this.#holds(turn.engine);
    let fresh = !kept || request.reset || this.#broken || sides !== this.#sides;
    this.#broken = true;
    let frame = await turn.run(source, { share: smoothing.share, reset: fresh, signal });
    if (!fresh && this.#histogram && isCut(frame.histogram, this.#histogram)) {
      fresh = true;
      if (smoothing.share < 1) frame = await turn.run(source, { share: smoothing.share, reset: true, signal });
    }
    const answered = performance.now();
    this.#histogram = frame.histogram;
    this.#sides = sides;
    this.#tracker ??= new Tracker(turn.size);
    if (fresh) this.#tracker.reset();
    const flat = Math.max(...frame.deviation) < FLAT;
    const found = flat
      ? this.#flat(turn, width, height)
      : this.#find(turn, frame, width, height, { ...request, smoothing });
    this.#broken = flat;
    const end = performance.now();
    const ms = { preprocess: 0, network: answered - start, postprocess: end - answered, total: end - start };
    const result = { ...found.result, ms };
    const overlay = await this.#draw(turn, found, result, request);
    return { ...result, fresh, overlay };
  }

  #holds(engine: object): boolean {
    const holds = this.#engine === engine && holders.get(engine) === this;
    this.#engine = engine;
    holders.set(engine, this);
    return holds;
  }

  #flat(turn: LiveTurn, width: number, height: number): Found {
    this.#tracker!.reset();
    return { result: { ...flatSegmentation(turn.size, { width, height }), lesions: [] }, allowed: null, holds: false };
  }

  #find(
    { assembly, size }: LiveTurn,
    { logits }: LiveFrame,
    width: number,
    height: number,
    request: FrameRequest,
  ): Found {
    const { threshold, smoothing, at, maxAgeMs } = request;
    const limit = Math.log(threshold / (1 - threshold));
    const tracked = this.#tracker!.next(logits, limit, smoothing, at, maxAgeMs);
    const result = segmentationOf(assembly, tracked.logits, size, { width, height }, request);
    const parts = new Map<number, number>();
    const lesions = result.lesions.map((lesion): LiveLesion => {
      const id = identify(lesion, tracked.ids, size, { width, height });
      const order = parts.get(id) ?? 0;
      parts.set(id, order + 1);
      return { ...lesion, id: tracked.part(id, order), held: tracked.held(id) };
    });
    // To the pixels next to a lesion's the enlarged mask may reach.
    const allowed = Uint8Array.from(tracked.ids, id => Number(parts.has(id) && id > 0));
    return { result: { ...result, lesions }, allowed, holds: tracked.holds };
  }

  async #draw(
    { drawing }: LiveTurn,
    { allowed, holds }: Found,
    result: Segmentation,
    request: FrameRequest,
  ): Promise<ImageBitmap | null> {
    if (!request.overlay || !allowed || result.lesions.length === 0) return null;
    // The device knows its own lesions alone.
    if (!drawing || holds || this.#lost >= MOST_LOST) return this.surface().drawMask(result, request);
    const { width, height } = request.overlay;
    const { canvas } = this.surface();
    if (canvases.get(drawing) !== canvas) drawing.setOverlay(canvas);
    canvases.set(drawing, canvas);
    try {
      await drawing.draw(allowed, width, height, request.look);
    } catch (error) {
      if (error instanceof TmcaError && error.code === 'DEVICE_LOST') this.#lost++;
      throw error;
    }
    this.#lost = 0;
    return canvas.transferToImageBitmap();
  }
}

interface Found {
  readonly result: Omit<FrameResult, 'ms' | 'fresh' | 'overlay'>;
  /** [size, size]: 1 where a lesion of the result may be drawn; null where there is none. */
  readonly allowed: Uint8Array | null;
  /** Whether it has lesions that the device does not know. */
  readonly holds: boolean;
}

/** The number of the lesion at the network's size that one of the source's size comes from: the one under most of its contour. */
function identify({ contour }: Lesion, ids: Int32Array, size: number, { width, height }: Size): number {
  const votes = new Map<number, number>();
  for (let i = 0; i < contour.length; i += 2) {
    const x = Math.min(size - 1, Math.floor(((contour[i]! + 0.5) * size) / width));
    const y = Math.min(size - 1, Math.floor(((contour[i + 1]! + 0.5) * size) / height));
    const id = ids[y * size + x]!;
    if (id > 0) votes.set(id, (votes.get(id) ?? 0) + 1);
  }
  // None, where rounding alone makes a probability reach the threshold.
  return [...votes].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
}
