// The worker's end: one session behind the calls of protocol.ts.

import { type Endpoint, expose, transfer } from 'comlink';
import { check, TmcaError, throwIfAborted } from '../../../errors/index.js';
import type { FrameRequest } from '../../live/frames.js';
import type { LiveSource } from '../../live/live-engine.js';
import type { LiveSession } from '../../live/live-session.js';
import type { Report, Segmentation, SegmentOptions, SessionInfo, SessionStats } from '../../types.js';
import type { OpenOptions } from '../open-session.js';
import { asTmcaError, carryErrors } from './errors.js';
import { LiveStreams } from './live-streams.js';
import { type OnProgress, ProgressSender } from './progress.js';
import type { CallId, CreateRequest, FrameAnswer, ReportTicket, WorkerApi } from './protocol.js';
import { Rasterizer } from './rasterizer.js';
import { discard, type Shipment } from './shipment.js';

/** Opens a model: the worker script passes the real one, tests pass their own. */
export type SessionOpener = (model: string, options: OpenOptions) => Promise<LiveSession>;

/** Answers the page's calls. Call it once, at the top level of a worker script. */
export function serve(open: SessionOpener, endpoint: Endpoint = globalThis as unknown as Endpoint): void {
  carryErrors();
  expose(new Host(open), endpoint);
}

class Host implements WorkerApi {
  readonly #open: SessionOpener;
  readonly #rasterizer = new Rasterizer();
  readonly #streams = new LiveStreams(this.#rasterizer);
  readonly #aborts = new Map<CallId, AbortController>();
  readonly #reports = new Map<number, Report>();
  #session: LiveSession | undefined;
  #handles = 0;
  #disposed = false;

  constructor(open: SessionOpener) {
    this.#open = open;
  }

  async hello(lock: string): Promise<boolean> {
    if (typeof navigator === 'undefined' || !navigator.locks) return false;
    return new Promise(resolve => {
      // Held until the worker is gone. Refused for opaque origins: then only the watchdog is left.
      navigator.locks
        .request(lock, () => {
          resolve(true);
          return new Promise(() => {});
        })
        .catch(() => resolve(false));
    });
  }

  create(call: CallId, { model, ...options }: CreateRequest, onProgress: OnProgress): Promise<SessionInfo> {
    return this.#run('Segmenter.create', call, async signal => {
      check(
        !this.#session,
        'INTERNAL',
        'Segmenter.create: a worker must hold one model, got a second; start another worker',
      );
      const progress = new ProgressSender(onProgress);
      try {
        const session = await this.#open(model, { ...options, signal, onProgress: step => progress.send(step) });
        if (signal.aborted || this.#disposed) session.dispose();
        throwIfAborted(signal, 'Segmenter.create');
        this.#session = session;
        return session.info;
      } finally {
        await progress.close();
      }
    });
  }

  encodeReport(call: CallId, text: string): Promise<ReportTicket> {
    return this.#run('encodeReport', call, async signal => {
      const report = await this.#live().encodeReport(text, { signal });
      if (signal.aborted) report.dispose();
      throwIfAborted(signal, 'encodeReport');
      const handle = ++this.#handles;
      this.#reports.set(handle, report);
      return { handle, text: report.text, ids: report.ids, truncated: report.truncated };
    });
  }

  segment(call: CallId, image: Shipment, handle: number | null, options: SegmentOptions): Promise<Segmentation> {
    return this.#run('segment', call, async signal => {
      // In the frame's turn, so that a burst of files is decoded one by one, in order.
      const read = async () => {
        const pixels = await this.#rasterizer.read(image);
        this.#report('segment', handle); // it may have been released meanwhile
        return pixels;
      };
      try {
        return shipped(await this.#live().segment(read, this.#report('segment', handle), { ...options, signal }));
      } finally {
        discard(image); // what left before its turn
      }
    });
  }

  frame(
    call: CallId,
    stream: number,
    surface: LiveSource,
    handle: number | null,
    request: FrameRequest,
  ): Promise<FrameAnswer> {
    const where = 'segmentStream';
    return this.#run(where, call, async signal => {
      try {
        const report = this.#report(where, handle);
        const answer = await this.#streams.frame(this.#live(), stream, surface, report, request, signal);
        return shipped(answer, answer.overlay ? [answer.overlay] : []);
      } finally {
        surface.close();
      }
    });
  }

  forgetStream(stream: number): void {
    this.#streams.forget(stream);
  }

  stats(): SessionStats {
    return this.#live().stats();
  }

  releaseReport(handle: number): void {
    this.#reports.get(handle)?.dispose();
    this.#reports.delete(handle);
  }

  cancel(call: CallId): void {
    this.#aborts.get(call)?.abort();
  }

  ping(): true {
    return true;
  }

  dispose(): void {
    this.#disposed = true;
    for (const abort of this.#aborts.values()) abort.abort();
    this.#reports.clear();
    this.#session?.dispose();
    this.#session = undefined;
  }

  #report(where: string, handle: number | null): Report | null {
    const report = handle === null ? null : this.#reports.get(handle);
    check(
      report !== undefined,
      'DISPOSED',
      `${where}: the report must not be disposed of, got one that is; encode it again`,
    );
    return report;
  }

  #live(): LiveSession {
    check(this.#session, 'DISPOSED', 'Segmenter: the worker must hold a model, got none; create a new Segmenter');
    return this.#session;
  }

  /** Runs a call under a signal that `cancel` can fire, and lets nothing but a TmcaError out. */
  async #run<T>(where: string, call: CallId, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    this.#aborts.set(call, abort);
    try {
      return await work(abort.signal);
    } catch (thrown) {
      // fetch and createImageBitmap name an abort in their own way.
      if (abort.signal.aborted && !(thrown instanceof TmcaError)) throwIfAborted(abort.signal, where);
      throw asTmcaError(thrown, where);
    } finally {
      this.#aborts.delete(call);
    }
  }
}

/** The result with its arrays, and whatever else is named, moved to the page instead of copied. */
function shipped<R extends Segmentation>(result: R, others: Transferable[] = []): R {
  const mask = own(result.mask);
  const probability = own(result.probability);
  const lesions = result.lesions.map(lesion => ({
    ...lesion,
    contour: own(lesion.contour),
    holes: lesion.holes.map(own),
  }));
  const lines = lesions.flatMap(({ contour, holes }) => [contour, ...holes]);
  const buffers = [mask, probability, ...lines].map(array => array.buffer as ArrayBuffer);
  return transfer({ ...result, mask, probability, lesions }, [...new Set(buffers), ...others]);
}

/** The array itself if nothing else is in its buffer, else a copy: what is moved must not take wasm memory or a neighbour along. */
function own<A extends Uint8Array | Float32Array | Int32Array>(array: A): A {
  return array.byteLength === array.buffer.byteLength ? array : (array.slice() as A);
}
