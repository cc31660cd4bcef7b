// What a stream needs of an engine that takes frames as the browser has them: their pixels never pass through the host.

/** What the browser hands over without its pixels passing through the host. */
export type LiveSource = VideoFrame | ImageBitmap;

export interface LiveRunOptions {
  /** Share of the newest frame in the exponential average of logits, 0 < share <= 1; with 1 there is no average. */
  readonly share: number;
  /** Begins the average anew with this frame. */
  readonly reset: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What the host gets to see of a frame; all of it is the caller's own. */
export interface LiveFrame {
  /** [size, size] by row: the average over time. */
  readonly logits: Float32Array;
  /** Standard deviation of each channel (RGB), 0..255, at the network's size. */
  readonly deviation: readonly [number, number, number];
  /** [3, 16]: of each channel, the share of pixels in each of sixteen equal ranges of 0..255. */
  readonly histogram: Float32Array;
}

/** How lesions are drawn. */
export interface OverlayLook {
  /** Probability from which a pixel belongs to a lesion. */
  readonly threshold: number;
  /** RGB, each 0..1, in sRGB. */
  readonly color: readonly [number, number, number];
  /** Opacity of a lesion's area, 0..1. */
  readonly fill: number;
  /** Width of a lesion's outline in pixels of the canvas; 0: no outline. */
  readonly outline: number;
}

/** Frames through the network, and their lesions onto a canvas, without leaving the device. Calls never overlap. */
export interface LiveEngine<R> {
  /**
   * The source may be closed when this settles, not before.
   *
   * Errors: IMAGE_UNREADABLE (a source that is closed), IMAGE_TOO_LARGE, ABORTED, DEVICE_LOST, DISPOSED, GPU_OUT_OF_MEMORY, GPU_FAILED.
   */
  run(source: LiveSource, report: R, options: LiveRunOptions): Promise<LiveFrame>;
  /** The canvas that overlays are drawn into; null lets go of it. */
  setOverlay(canvas: OffscreenCanvas | null): void;
  /**
   * Draws the last frame's lesions.
   *
   * @param allowed [size, size], 1 where a pixel of the network belongs to a lesion that is to be shown, else 0
   * @param width of the canvas in pixels, as `height`; the canvas takes this size
   */
  draw(allowed: Uint8Array, width: number, height: number, look: OverlayLook): Promise<void>;
  /** Makes the overlay transparent. */
  clear(): void;
}
