// What the page and the worker say to each other. Types only: both ends import it, so it must run nothing.

import type { EngineId } from '../../engines/names.js';
import type { FrameRequest, FrameResult } from '../../live/frames.js';
import type { LiveSource } from '../../live/live-engine.js';
import type {
  DeviceChoice,
  DTypeChoice,
  IntegrityChoice,
  Segmentation,
  SegmentOptions,
  SessionInfo,
  SessionStats,
  StoreChoice,
} from '../../types.js';
import type { GivenFiles } from '../given-model.js';
import type { OnProgress } from './progress.js';
import type { Shipment } from './shipment.js';

/** Number that the page gives to a call, so that it can take it back: see {@link WorkerApi.cancel}. */
export type CallId = number;

/** A report as the page sees it: the encoded sentence stays in the worker under `handle`. */
export interface ReportTicket {
  readonly handle: number;
  readonly text: string;
  readonly ids: Int32Array;
  readonly truncated: boolean;
}

export interface CreateRequest {
  /** Absolute: a worker resolves relative addresses against its own script. */
  readonly model: string;
  readonly device?: DeviceChoice;
  readonly dtype?: DTypeChoice;
  readonly tune?: boolean;
  readonly integrity?: IntegrityChoice;
  readonly store?: StoreChoice;
  /** In place of what is at the address. */
  readonly files?: GivenFiles;
  /** Absolute as well. */
  readonly wasmPaths?: string;
}

/** A frame's result, and what ran it. */
export interface FrameAnswer extends FrameResult {
  readonly engine: {
    readonly device: EngineId;
    readonly reason: string;
    /** Lost devices that were replaced so far. */
    readonly recoveries: number;
  };
}

/** The object that the worker exposes through comlink. */
export interface WorkerApi {
  /**
   * First call. Takes the Web Lock `lock` for as long as the worker lives, so that the page, waiting for the same lock, learns
   * of the worker's death at once: a terminated worker fires no event. Resolves to false where there are no locks.
   */
  hello(lock: string): Promise<boolean>;
  create(call: CallId, request: CreateRequest, onProgress: OnProgress): Promise<SessionInfo>;
  encodeReport(call: CallId, text: string): Promise<ReportTicket>;
  segment(call: CallId, image: Shipment, handle: number | null, options: SegmentOptions): Promise<Segmentation>;
  /** One frame of a stream; the worker closes the surface. The first frame of a stream makes what the worker keeps for it. */
  frame(
    call: CallId,
    stream: number,
    surface: LiveSource,
    handle: number | null,
    request: FrameRequest,
  ): Promise<FrameAnswer>;
  /** Lets go of what the worker keeps for a stream. */
  forgetStream(stream: number): void;
  stats(): SessionStats;
  releaseReport(handle: number): void;
  /** Fires the signal of a call. No effect on a call that has settled. */
  cancel(call: CallId): void;
  ping(): true;
  dispose(): void;
}
