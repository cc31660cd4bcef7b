// A session that outlives its device: when the device is lost, the model is opened again (a new adapter first), the report
// is encoded again from its text, and the call that failed is run again; at last on an engine that cannot be lost. What cannot
// be run again is rejected, never answered with zeros or an old mask.

import { check, TmcaError } from '../../errors/index.js';
import type { LiveRequest, LiveSession, LiveTurn } from '../live/live-session.js';
import { checkSentence } from '../sentence.js';
import type {
  Pixels,
  Report,
  Segmentation,
  SegmentOptions,
  Session,
  SessionInfo,
  SessionStats,
  Warning,
} from '../types.js';
import { disposedIn } from './network-session.js';

export interface RecoveryOptions {
  /** How often a call is run again after losses. Browsers give no adapter after a second crash within two minutes. */
  readonly attempts?: number;
  /** Before the first reopening, in milliseconds; doubled each time. */
  readonly backoffMs?: number;
  /** Opens the model on something that is not lost, when attempts are used up or reopening fails. */
  readonly last?: () => Promise<LiveSession>;
}

/** A sentence that can be encoded again. */
class RecoverableReport implements Report {
  disposed = false;

  constructor(
    readonly owner: RecoveringSession,
    private inner: Report,
    /** The session that `inner` belongs to. */
    private session: Session,
    private readonly release: (report: RecoverableReport) => void,
  ) {}

  get text(): string {
    return this.inner.text;
  }

  get ids(): Int32Array {
    return this.inner.ids;
  }

  get truncated(): boolean {
    return this.inner.truncated;
  }

  /** The report on `session`, encoded there if it was made on one that is gone. */
  async on(session: Session): Promise<Report> {
    if (this.session !== session) {
      this.inner = await session.encodeReport(this.text);
      this.session = session;
    }
    return this.inner;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.release(this);
    this.inner.dispose();
  }
}

export const UNCHECKED: Warning = {
  code: 'MODEL_UNCHECKED',
  message:
    'the model has no manifest.json that lists all its files, so a damaged one cannot be told from a whole one; fetch it with its manifest',
};

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

const isLoss = (error: unknown): boolean => error instanceof TmcaError && error.code === 'DEVICE_LOST';

export class RecoveringSession implements LiveSession {
  readonly #attempts: number;
  readonly #backoffMs: number;
  readonly #reports = new Set<RecoverableReport>();
  #reopening: Promise<LiveSession> | undefined;
  #recoveries = 0;
  #disposed = false;
  /** That the model is not checked. */
  #told = false;
  #last: (() => Promise<LiveSession>) | undefined;

  /** @param reopen opens the same model again, on whatever device there is then */
  constructor(
    private session: LiveSession,
    private readonly reopen: () => Promise<LiveSession>,
    { attempts = 2, backoffMs = 250, last }: RecoveryOptions = {},
  ) {
    this.#last = last;
    this.#attempts = attempts;
    this.#backoffMs = backoffMs;
  }

  get info(): SessionInfo {
    return this.session.info;
  }

  encodeReport(text: string, options?: { readonly signal?: AbortSignal }): Promise<Report> {
    return this.#run('encodeReport', async session => {
      const report = new RecoverableReport(this, await session.encodeReport(text, options), session, r =>
        this.#reports.delete(r),
      );
      this.#reports.add(report);
      return report;
    });
  }

  async segment(image: Pixels, report: Report | null, options?: SegmentOptions): Promise<Segmentation> {
    if (this.#disposed) throw disposedIn('segment');
    const own = this.#own('segment', report);
    const result = await this.#run('segment', async session =>
      session.segment(image, own && (await own.on(session)), options),
    );
    if (this.#told || this.info.integrity === 'checked') return result;
    this.#told = true;
    return { ...result, warnings: [UNCHECKED, ...result.warnings] };
  }

  async live<T>(request: LiveRequest, work: (turn: LiveTurn) => Promise<T>): Promise<T> {
    const where = 'segmentStream';
    if (this.#disposed) throw disposedIn(where);
    const own = this.#own(where, request.report);
    return this.#run(where, async session =>
      session.live({ ...request, report: own && (await own.on(session)) }, work),
    );
  }

  stats(): SessionStats {
    return { ...this.session.stats(), recoveries: this.#recoveries };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const report of [...this.#reports]) report.dispose();
    this.session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #own(where: string, report: Report | null): RecoverableReport | null {
    const given = checkSentence(where, this.info.model, report);
    if (!given) return null;
    check(
      given instanceof RecoverableReport && given.owner === this && !given.disposed,
      'BAD_ARGUMENT',
      `${where}: the report must come from encodeReport of the same session and be undisposed; encode the text again`,
    );
    return given;
  }

  /** Runs `call`, again on a new session after each loss, as often as is allowed. */
  async #run<T>(where: string, call: (session: LiveSession) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const session = this.session;
      try {
        return await call(session);
      } catch (error) {
        if (!isLoss(error) || this.#disposed) throw this.#disposed ? disposedIn(where) : error;
        // Where another call has replaced it meanwhile, there is nothing to do but to run again.
        if (this.session !== session) continue;
        if (attempt >= this.#attempts && !this.#last) throw error;
        await this.#recover(session, attempt < this.#attempts ? this.#backoffMs * 2 ** attempt : null);
      }
    }
  }

  /** One reopening for all the calls that one loss has failed. @param delay null where no device is to be waited for any more */
  async #recover(lost: LiveSession, delay: number | null): Promise<void> {
    this.#reopening ??= this.#replace(lost, delay).finally(() => {
      this.#reopening = undefined;
    });
    await this.#reopening;
  }

  async #replace(lost: LiveSession, delay: number | null): Promise<LiveSession> {
    const opened = delay === null ? await this.#takeLast() : await this.#again(delay);
    if (this.#disposed) {
      opened.dispose();
      throw disposedIn('recover');
    }
    lost.dispose();
    this.session = opened;
    this.#recoveries++;
    return opened;
  }

  async #again(delay: number): Promise<LiveSession> {
    await pause(delay);
    try {
      return await this.reopen();
    } catch (error) {
      if (!this.#last) throw error;
      return this.#takeLast();
    }
  }

  #takeLast(): Promise<LiveSession> {
    const last = this.#last!;
    this.#last = undefined;
    return last();
  }
}
