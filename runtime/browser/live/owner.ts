// What a stream needs of the Segmenter that it belongs to.

import { transfer } from 'comlink';
import type { FrameRequest } from '../../live/frames.js';
import type { LiveSource } from '../../live/live-engine.js';
import type { Report, SessionInfo } from '../../types.js';
import type { WorkerLink } from '../worker/link.js';
import type { FrameAnswer } from '../worker/protocol.js';

export interface StreamOwner {
  readonly info: SessionInfo;
  /** How long its worker may give no sign of life, in milliseconds, where the caller has said. */
  readonly unresponsiveMs: number | undefined;
  /**
   * Runs a frame of a stream. The surface stays the caller's, or is closed. Errors: those of `segment`; WORKER_DIED, WORKER_FAILED.
   */
  frame(
    stream: number,
    surface: LiveSource,
    report: Report | null,
    request: FrameRequest,
    signal: AbortSignal,
  ): Promise<FrameAnswer>;
  /** Lets go of what the worker keeps for a stream. */
  forget(stream: number): void;
  encodeReport(text: string): Promise<Report>;
  /** Starts a worker with the same options where the one before is dead. Errors: those of `Segmenter.create`; DISPOSED. */
  revive(): Promise<void>;
  ping(): Promise<unknown>;
  /** Ends a worker that gives no sign of life. */
  giveUp(afterMs: number): void;
}

/** What of a Segmenter the owner is made of. */
interface Parts extends Pick<StreamOwner, 'unresponsiveMs' | 'encodeReport' | 'revive'> {
  /** The worker that there is now. */
  link(): WorkerLink;
  info(): SessionInfo;
  /** The number of a report on that worker. */
  handleOf(where: string, report: Report): number | Promise<number>;
}

export const ownerOf = ({ link, info, handleOf, ...rest }: Parts): StreamOwner => ({
  ...rest,
  get info() {
    return info();
  },
  async frame(stream, surface, report, request, signal) {
    const where = 'segmentStream';
    const handle = report && (await handleOf(where, report));
    const late = ({ overlay }: FrameAnswer) => overlay?.close();
    return link().call<FrameAnswer>(
      where,
      (remote, id) => remote.frame(id, stream, transfer(surface, [surface]), handle, request),
      { signal, late },
    );
  },
  forget: stream => link().tell(remote => remote.forgetStream(stream)),
  ping: () => link().ping(),
  giveUp: afterMs => link().giveUp(afterMs),
});
