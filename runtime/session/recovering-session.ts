// A session: one queue for all its calls, and a model that is opened again when its device is lost (a new adapter first). The
// sentence is then encoded again from its text, and the call that failed is run again; at last on an engine that cannot be lost.
// What cannot be run again is rejected, never answered with zeros or an old mask.

import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import type { LiveRequest, LiveSession, LiveTurn } from '../live/live-session.js';
import { SerialQueue } from '../serial-queue.js';
import type { Pixels, Report, Segmentation, SegmentOptions, SessionInfo, SessionStats, Warning } from '../types.js';
import type { EncodedText, LoadedModel } from './loaded-model.js';
import type { PixelReader } from './reading-session.js';
import { settingsOf } from './segmentation.js';

/** What a session needs of a model. */
export type SessionModel = Pick<LoadedModel, 'info' | 'encode' | 'segment' | 'live' | 'stats' | 'dispose'>;

export interface RecoveryOptions {
  /** How often a call is run again after losses. Browsers give no adapter after a second crash within two minutes. */
  readonly attempts?: number;
  /** Before the first reopening, in milliseconds; doubled each time. */
  readonly backoffMs?: number;
  /** Opens the model on something that is not lost, when attempts are used up or reopening fails. */
  readonly last?: () => Promise<SessionModel>;
}

/** A sentence, and what the model that is open makes of it. */
class SessionReport implements Report {
  constructor(
    readonly text: string,
    private read: EncodedText,
    /** Whose `read` is. */
    private model: SessionModel,
    private readonly release: (report: SessionReport) => void,
  ) {}

  get ids(): Int32Array {
    return this.read.ids;
  }

  get truncated(): boolean {
    return this.read.truncated;
  }

  /** The sentence on `model`, encoded there if it was made on one that is gone. */
  async on(model: SessionModel): Promise<EncodedText['encoded']> {
    if (this.model !== model) {
      this.read = await model.encode(this.text);
      this.model = model;
    }
    return this.read.encoded;
  }

  dispose(): void {
    this.release(this);
  }

  /** Frees what the engine holds of it. */
  free(): void {
    this.read.encoded.dispose();
  }
}

export const UNCHECKED: Warning = {
  code: 'MODEL_UNCHECKED',
  message:
    'the model has no manifest.json that lists all its files, so a damaged one cannot be told from a whole one; fetch it with its manifest',
};

/** What there is to say of a model as it was loaded. */
const warningsOf = ({ integrity, store }: SessionInfo): Warning[] => [
  ...(integrity === 'checked' ? [] : [UNCHECKED]),
  ...(store?.place && store.note ? [{ code: 'MODEL_NOT_STORED' as const, message: store.note }] : []),
];

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

const isLoss = (error: unknown): boolean => error instanceof TmcaError && error.code === 'DEVICE_LOST';

const disposedIn = (where: string): TmcaError =>
  new TmcaError('DISPOSED', `${where}: the session must be open, got a disposed one; create another`);

export class RecoveringSession implements LiveSession {
  readonly #attempts: number;
  readonly #backoffMs: number;
  readonly #queue = new SerialQueue();
  /** Those that are not disposed of. */
  readonly #reports = new Set<SessionReport>();
  readonly #counts = { frames: 0, reports: 0, recoveries: 0 };
  #disposed = false;
  /** What there is to say of the model. */
  #told = false;
  #last: (() => Promise<SessionModel>) | undefined;

  /** @param reopen opens the same model again, on whatever device there is then */
  constructor(
    private model: SessionModel,
    private readonly reopen: () => Promise<SessionModel>,
    { attempts = 2, backoffMs = 250, last }: RecoveryOptions = {},
  ) {
    this.#last = last;
    this.#attempts = attempts;
    this.#backoffMs = backoffMs;
  }

  get info(): SessionInfo {
    return this.model.info;
  }

  encodeReport(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Report> {
    const where = 'encodeReport';
    return this.#inTurn(where, signal, async () => {
      const encode = async (model: SessionModel) => ({ model, read: await model.encode(text) });
      const { model, read } = await this.#attempt(where, signal, encode);
      const report = new SessionReport(text, read, model, each => this.#release(each));
      this.#reports.add(report);
      this.#counts.reports++;
      return report;
    });
  }

  segment(image: Pixels | PixelReader, report: Report | null, options: SegmentOptions = {}): Promise<Segmentation> {
    const where = 'segment';
    const { signal } = options;
    return this.#inTurn(where, signal, async () => {
      const pixels = typeof image === 'function' ? await image() : image;
      const result = await this.#attempt(where, signal, async model =>
        model.segment(pixels, report && (await this.#own(where, report).on(model)), options),
      );
      this.#counts.frames++;
      const { model, device, dtype } = this.info;
      const by = { model: { name: model.name, hash: model.hash }, device, dtype };
      const made = { text: report?.text ?? null, ...settingsOf(options), ...by };
      const told = this.#told ? [] : warningsOf(this.info);
      this.#told = true;
      return { ...result, ...(told.length > 0 && { warnings: [...told, ...result.warnings] }), made };
    });
  }

  live<T>({ report, read, signal }: LiveRequest, work: (turn: LiveTurn) => Promise<T>): Promise<T> {
    const where = 'segmentStream';
    return this.#inTurn(where, signal, async () => {
      const result = await this.#attempt(where, signal, async model =>
        model.live(read, report && (await this.#own(where, report).on(model)), work),
      );
      this.#counts.frames++;
      return result;
    });
  }

  stats(): SessionStats {
    return { ...this.info, ...this.#counts, ...this.model.stats() };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#queue.clear(disposedIn('segment'));
    for (const report of this.#reports) report.dispose();
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #own(where: string, report: Report): SessionReport {
    check(
      this.#reports.has(report as SessionReport),
      'BAD_ARGUMENT',
      `${where}: the report must come from encodeReport of the same session and be undisposed; encode the text again`,
    );
    return report as SessionReport;
  }

  #release(report: SessionReport): void {
    if (this.#reports.delete(report)) report.free();
  }

  /** When all earlier calls have settled. Whatever comes of it: a session that is disposed of meanwhile answers with that. */
  #inTurn<T>(where: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const checkOpen = () => {
      if (this.#disposed) throw disposedIn(where);
    };
    const turn = async () => {
      checkOpen();
      try {
        return await work();
      } finally {
        checkOpen();
      }
    };
    return this.#queue.run(turn, where, signal);
  }

  /** Runs `call`, again on a model opened anew after each loss, as often as is allowed. */
  async #attempt<T>(
    where: string,
    signal: AbortSignal | undefined,
    call: (model: SessionModel) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        throwIfAborted(signal, where);
        return await call(this.model);
      } catch (error) {
        const ends = attempt >= this.#attempts && !this.#last;
        if (!isLoss(error) || ends || this.#disposed) throw error;
        await this.#replace(attempt < this.#attempts ? this.#backoffMs * 2 ** attempt : null);
      }
    }
  }

  /** @param delay null where no device is to be waited for any more */
  async #replace(delay: number | null): Promise<void> {
    const opened = delay === null ? await this.#takeLast() : await this.#again(delay);
    if (this.#disposed) return opened.dispose();
    this.model.dispose();
    this.model = opened;
    this.#counts.recoveries++;
  }

  async #again(delay: number): Promise<SessionModel> {
    await pause(delay);
    try {
      return await this.reopen();
    } catch (error) {
      if (!this.#last) throw error;
      return this.#takeLast();
    }
  }

  #takeLast(): Promise<SessionModel> {
    const last = this.#last!;
    this.#last = undefined;
    return last();
  }
}
