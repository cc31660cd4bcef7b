// What a stream needs of a session: a turn in the line of its calls, with the way of frames of whatever engine there is then.

import type { Assembly } from '../../assembly/index.js';
import type { ReadingSession } from '../session/reading-session.js';
import type { Report } from '../types.js';
import type { ReadFrame } from './host-engine.js';
import type { LiveEngine, LiveFrame, LiveRunOptions, LiveSource } from './live-engine.js';

/** What of an engine draws; absent where the host does. */
export type LiveDrawing = Pick<LiveEngine<never>, 'setOverlay' | 'draw' | 'clear'>;

/** A session's engine during one turn. */
export interface LiveTurn {
  /** The same object for as long as the average over time is kept. */
  readonly engine: object;
  readonly drawing: LiveDrawing | null;
  readonly assembly: Assembly;
  /** Side of the network's map. */
  readonly size: number;
  run(source: LiveSource, options: LiveRunOptions): Promise<LiveFrame>;
}

export interface LiveRequest {
  readonly report: Report | null;
  /** Reads the pixels of a frame, where the engine does not take it as it is. */
  readonly read: ReadFrame;
  readonly signal?: AbortSignal | undefined;
}

/** A session that takes frames of a video. */
export interface LiveSession extends ReadingSession {
  /**
   * Runs `work` when it is its turn. Errors: those of `segment` and of {@link LiveEngine.run}. A lost device is replaced, and `work` is
   * run again.
   */
  live<T>(request: LiveRequest, work: (turn: LiveTurn) => Promise<T>): Promise<T>;
}
