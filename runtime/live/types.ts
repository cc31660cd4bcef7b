// The public shapes of a stream: what goes in beside the frames, and what comes out for each of them.

import type { TmcaError } from '../../errors/index.js';
import type { MaskPaint } from '../browser/mask-image.js';
import type { Lesion, Report, Segmentation, SegmentOptions } from '../types.js';

/**
 * `starting`: no mask yet. `on`: masks are young. `late`: the newest mask is older than `maxAgeMs`, so none is shown. `degraded`: masks
 * are young, but something is not as it should be, which the reason names. `off`: ended.
 */
export type LiveState = 'starting' | 'on' | 'late' | 'degraded' | 'off';

/** A state, and why it is that: one sentence. */
export interface LiveEvent {
  readonly state: LiveState;
  readonly reason: string;
  /** What ended or disturbs the stream, where that was an error. */
  readonly error?: TmcaError;
}

/** How masks are steadied over time. */
export interface Smoothing {
  /** Share of the newest frame in the exponential average of logits, 0 < share <= 1; with 1 nothing is averaged. Default 0.6. */
  readonly share?: number;
  /** A lesion is shown when it was seen in so many frames in a row. Default 2. */
  readonly appear?: number;
  /** A lesion is no longer shown when it was missed in so many frames in a row; it stays as it was until then. Default 3. */
  readonly vanish?: number;
}

/** How an overlay looks. */
export interface OverlayPaint extends MaskPaint {
  /** Width of a lesion's outline, in pixels of the overlay; 0: none. Default 2. */
  readonly outline?: number;
}

/** Options that `Segmenter.segmentStream` and `Segmenter.attach` share. */
export interface LiveOptions {
  /** The one policy: one frame is in flight, and of those that wait the newest wins. */
  readonly policy?: 'latest';
  /** Probability from which a pixel belongs to a lesion; 0.5 if not given. */
  readonly threshold?: number;
  /** Share of the view, 0..1: what is smaller is no lesion; 0.0005 if not given. */
  readonly minArea?: number;
  /** A mask is hidden when it is older than so many milliseconds and a newer frame has come. Default 120. */
  readonly maxAgeMs?: number;
  /** `true` for the usual numbers. Off (the default), each mask is that of its frame alone. A paused video is never averaged. */
  readonly smoothing?: boolean | Smoothing;
  /** How the overlay looks. */
  readonly paint?: OverlayPaint;
  /** Ends the stream; its iteration rejects with ABORTED. */
  readonly signal?: AbortSignal;
  /** Called at each change of state or reason, and with the first state. */
  readonly onState?: (event: LiveEvent) => void;
}

/** What `Segmenter.segmentStream` takes beside the source and the sentence. */
export interface StreamOptions extends LiveOptions {
  /** Shows the newest mask, and nothing while that is older than `maxAgeMs`. It must not have a context of another kind than 2D. */
  readonly overlay?: HTMLCanvasElement;
}

/** What `Segmenter.attach` takes beside the video and the canvas. */
export interface AttachOptions extends LiveOptions {
  /** The sentence, or an encoded one; `null` for a model that takes images alone. */
  readonly prompt: string | Report | null;
  /** Called with each result. */
  readonly onResult?: (result: LiveSegmentation) => void;
}

/** A lesion that keeps its number from frame to frame. */
export interface LiveLesion extends Lesion {
  /** The same for lesions of successive frames that overlap; never used again after a cut, a seek or another sentence. */
  readonly id: number;
  /** Missed in this frame, and shown as it was when it was last seen: see {@link Smoothing.vanish}. */
  readonly held: boolean;
}

/** What `Segmenter.segment` takes beside an image and a sentence. */
export interface StillOptions extends SegmentOptions {
  /** Where several calls with `latest` wait for their turn, the newest alone stays; an older one rejects with SUPERSEDED. */
  readonly policy?: 'latest';
}

/** A result with its time. */
export interface TimedSegmentation extends Segmentation {
  /** A VideoFrame's own, in microseconds; the time in the video where a video element was given; else the page's clock. */
  readonly timestamp: number;
  /** Milliseconds from the picture's capture, or its arrival where that is not known, to this result. */
  readonly age: number;
}

/** The result for one frame of a stream. */
export interface LiveSegmentation extends TimedSegmentation {
  readonly lesions: readonly LiveLesion[];
  /** Frames that came since the last result and have none. */
  readonly dropped: number;
  /** The sentence that made this mask; null for a model that takes images alone. */
  readonly prompt: string | null;
  /** The timestamp of the first frame that was run with that sentence. */
  readonly promptSince: number;
  /** Whether the average over time began anew with this frame: the first one, a cut, a seek, another sentence or size. */
  readonly fresh: boolean;
}

/** Counts of a stream so far; `shown + dropped` is `delivered`. */
export interface LiveStats {
  /** Frames that came and are done with. */
  readonly delivered: number;
  /** Frames that have a result. */
  readonly shown: number;
  /** Frames that have none, as a newer one came, or as they failed. */
  readonly dropped: number;
  /** Results that were too old for the overlay; they are among those `shown`. */
  readonly late: number;
  /** Frames that failed; they are among those `dropped`. */
  readonly failed: number;
  /** How often a worker that died was replaced. */
  readonly restarts: number;
  /** How often a lost device was replaced. */
  readonly recoveries: number;
  /** Age of the newest result in milliseconds; null before the first. */
  readonly age: number | null;
}

/** A running stream. */
export interface SegmentStream extends AsyncIterable<LiveSegmentation> {
  next(): Promise<IteratorResult<LiveSegmentation, undefined>>;
  /** Ends the stream, as leaving a loop over it does. */
  return(): Promise<IteratorResult<LiveSegmentation, undefined>>;
  readonly state: LiveState;
  /** Why the state is what it is: one sentence. */
  readonly reason: string;
  readonly stats: LiveStats;
  /**
   * Takes effect at the boundary of a frame, which `promptSince` of the results names; resolves when later frames are run with it. Of
   * calls that overlap the last one counts. Errors: those of `encodeReport`; the sentence before then stays.
   */
  setPrompt(prompt: string | Report | null): Promise<void>;
  /** Ends the stream: the overlay is empty, and the iteration is over. Twice is fine. */
  stop(): void;
}

/** An overlay on a video. */
export interface Attachment extends Pick<SegmentStream, 'state' | 'reason' | 'stats' | 'setPrompt'> {
  /** Ends it: the canvas is empty and has the style that it had before. Twice is fine. */
  detach(): void;
}
