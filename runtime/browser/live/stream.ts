// A running stream, page side: frames come, the newest is run, its mask is shown for as long as it is young, and whatever fails is
// told, survived, or ends the stream with its reason.

import { aborted, check, type TmcaError } from '../../../errors/index.js';
import type { EngineId } from '../../engines/names.js';
import { checkText } from '../../given.js';
import { MaskClock } from '../../live/mask-clock.js';
import { Newest } from '../../live/newest.js';
import { type Size, sizeOf } from '../../live/placement.js';
import { Restarts } from '../../live/restarts.js';
import { type LiveSettings, takeLiveOptions } from '../../live/settings.js';
import { LiveStatus } from '../../live/status.js';
import type { LiveSegmentation, LiveState, LiveStats, SegmentStream, StreamOptions } from '../../live/types.js';
import { checkSentence } from '../../sentence.js';
import type { Report } from '../../types.js';
import { asTmcaError } from '../worker/errors.js';
import type { FrameAnswer } from '../worker/protocol.js';
import { Watchdog } from '../worker/watchdog.js';
import { guarded, isDeath, isFatal, pause } from './helpers.js';
import { Overlay } from './overlay.js';
import type { StreamOwner } from './owner.js';
import { watchPage } from './page-life.js';
import { type Numbered, Results } from './results.js';
import { type Feed, openSource, type Picture, type StreamSource } from './sources.js';

/** What only the package itself gives. */
export interface StreamParts {
  readonly where: string;
  /** Size of the overlay for a picture of that size; the picture's own if not given. */
  readonly overlaySize?: (picture: Size) => Size;
  /** Called with each result. */
  readonly onResult?: ((result: LiveSegmentation) => void) | undefined;
  /** Called once, when the stream has ended. */
  readonly onEnd?: () => void;
}

interface Item {
  readonly picture: Picture;
  readonly serial: number;
  /** Pictures before and after a seek have different ones. */
  readonly epoch: number;
}

interface Prompt {
  readonly report: Report | null;
  /** Encoded here, so that it is let go of here. */
  readonly own: boolean;
}

/** What a frame is run with that the next one is compared with. */
interface Run {
  readonly prompt: Prompt;
  readonly timestamp: number;
  readonly at: number;
  readonly promptSince: number;
}

/** Frames that fail in a row, before the stream ends. */
const FAILURES = 3;
/** A pause after which what was averaged is another scene's. */
const GAP_MS = 1000;
/** A worker that gives no sign of life for so long is replaced. */
const UNRESPONSIVE_MS = 30_000;
let streams = 0;

export class LiveStream implements SegmentStream {
  readonly #id = ++streams;
  readonly #owner: StreamOwner;
  /** What it began with: another one is a worse one. */
  readonly #device: EngineId;
  readonly #parts: StreamParts;
  readonly #settings: LiveSettings;
  readonly #status: LiveStatus;
  readonly #clock: MaskClock;
  readonly #overlay: Overlay | undefined;
  readonly #newest: Newest<Item>;
  readonly #restarts = new Restarts();
  readonly #results = new Results();
  readonly #watchdog: Watchdog;
  readonly #ending = new AbortController();
  readonly #cleanups: (() => void)[] = [];
  #feed: Feed | undefined;
  #prompt: Prompt | undefined;
  #prompts = 0;
  /** Sentences that a frame in flight may still need. */
  readonly #retired: Prompt[] = [];
  #restarting: Promise<void> | undefined;
  #serial = 0;
  #epoch = 0;
  #reset = true;
  /** What belongs to the last frame that was run. */
  #run: Run | undefined;
  #inRow = 0;
  #figures = { late: 0, failed: 0, recoveries: 0, age: null as number | null };
  #told = -1;

  /** Errors: BAD_ARGUMENT, TEXT_EMPTY, TEXT_REQUIRED, TEXT_NOT_TAKEN. */
  constructor(
    owner: StreamOwner,
    source: StreamSource,
    prompt: string | Report | null,
    options: StreamOptions,
    parts: StreamParts,
  ) {
    const { where } = parts;
    this.#owner = owner;
    this.#device = owner.info.device;
    this.#parts = parts;
    this.#settings = takeLiveOptions(where, options);
    this.#checkPrompt(prompt);
    this.#overlay = options.overlay && new Overlay(where, options.overlay);
    const { maxAgeMs } = this.#settings;
    this.#status = new LiveStatus(maxAgeMs, guarded(where, 'onState', options.onState));
    this.#clock = new MaskClock({ maxAgeMs, hide: () => this.#tooOld() });
    this.#newest = new Newest<Item>(
      (item, shown) => this.#runItem(item, shown),
      ({ picture }) => picture.drop(),
    );
    const unresponsiveMs = owner.unresponsiveMs ?? UNRESPONSIVE_MS;
    this.#watchdog = new Watchdog(
      () => owner.ping(),
      () => owner.giveUp(unresponsiveMs),
      { unresponsiveMs, stallMs: Number.POSITIVE_INFINITY },
    );
    this.#newest.hold();
    try {
      this.#listen(source, options.signal);
    } catch (error) {
      this.#overlay?.release();
      throw error;
    }
    void this.#begin(prompt);
  }

  get state(): LiveState {
    return this.#status.state;
  }

  get reason(): string {
    return this.#status.reason;
  }

  get stats(): LiveStats {
    return { ...this.#newest.counts, ...this.#figures, restarts: this.#restarts.count };
  }

  async setPrompt(prompt: string | Report | null): Promise<void> {
    const { where } = this.#parts;
    check(!this.#over, 'DISPOSED', `${where}: the stream must be running, got one that has ended; start another`);
    this.#checkPrompt(prompt);
    const turn = ++this.#prompts;
    const own = typeof prompt === 'string';
    const report = own ? await this.#owner.encodeReport(prompt) : prompt;
    if (this.#over || turn !== this.#prompts) {
      if (own) report?.dispose();
      return;
    }
    const before = this.#prompt;
    this.#prompt = { report, own };
    if (!this.#restarting) this.#newest.resume();
    if (!before) return;
    this.#retired.push(before);
    this.#renew(); // what is on the screen is the answer to another question
    this.#feed?.refresh();
  }

  stop(): void {
    this.#end('the stream was stopped');
  }

  next(): Promise<IteratorResult<LiveSegmentation, undefined>> {
    return this.#results.next();
  }

  /** Called where a loop over the results is left. */
  async return(): Promise<IteratorResult<LiveSegmentation, undefined>> {
    this.stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends with an error that is nobody's request: the Segmenter was disposed of. */
  fail(error: TmcaError): void {
    this.#end(error.message, error);
  }

  get #over(): boolean {
    return this.#ending.signal.aborted;
  }

  #listen(source: StreamSource, signal: AbortSignal | undefined): void {
    const { where } = this.#parts;
    // Told when the caller has the stream in hand.
    queueMicrotask(() => this.#status.begin());
    this.#feed = openSource(where, source, {
      frame: picture => this.#offer(picture),
      renewed: () => this.#renew(),
      trouble: reason => this.#status.trouble('source', reason),
      ended: reason => void this.#finish(reason),
      failed: error => this.#end(error.message, error),
    });
    this.#cleanups.push(
      watchPage(
        () => this.#renew(),
        () => {
          this.#renew();
          this.#feed?.refresh();
        },
      ),
    );
    const abort = () => this.#end('the stream was stopped by its signal', aborted(where, signal));
    signal?.addEventListener('abort', abort);
    this.#cleanups.push(() => signal?.removeEventListener('abort', abort));
    if (signal?.aborted) queueMicrotask(abort);
  }

  async #begin(prompt: string | Report | null): Promise<void> {
    try {
      await this.setPrompt(prompt);
    } catch (thrown) {
      const error = asTmcaError(thrown, this.#parts.where);
      if (this.#over) return;
      if (!isDeath(error)) return this.#end(error.message, error);
      await this.#restart(error);
      await this.#begin(prompt);
    }
  }

  #offer(picture: Picture): void {
    const item = { picture, serial: this.#serial++, epoch: this.#epoch };
    this.#clock.delivered({ serial: item.serial, at: picture.at });
    this.#newest.offer(item);
  }

  /** What was on the screen is gone: its mask goes too, and what is in flight is not shown. */
  #renew(): void {
    this.#epoch++;
    this.#reset = true;
    this.#clock.forget();
    this.#overlay?.hide();
    this.#status.masks('none');
  }

  #tooOld(): void {
    this.#overlay?.hide();
    this.#status.masks('old');
  }

  async #runItem(item: Item, shown: () => void): Promise<void> {
    const { picture, epoch } = item;
    const { overlaySize = same } = this.#parts;
    let surface: Awaited<ReturnType<Picture['take']>>['surface'] | undefined;
    try {
      const taken = await picture.take();
      surface = taken.surface;
      if (this.#over) return;
      const run = this.#next(item, taken.timestamp);
      const request = {
        ...{ ...this.#settings, reset: this.#reset, still: picture.still, at: picture.at },
        overlay: this.#overlay ? overlaySize(sizeOf(surface)) : null,
      };
      this.#reset = false;
      this.#watchdog.start();
      const { report } = run.prompt;
      const answer = await this.#owner.frame(this.#id, surface, report, request, this.#ending.signal);
      if (this.#over) answer.overlay?.close();
      else {
        shown();
        this.#arrived(item, run, answer, epoch === this.#epoch);
      }
    } catch (thrown) {
      this.#failed(asTmcaError(thrown, this.#parts.where));
    } finally {
      this.#watchdog.stop();
      surface?.close();
      picture.drop();
      for (const { own, report } of this.#retired.splice(0)) if (own) report?.dispose();
    }
  }

  /** What of the run before this one makes the average begin anew. */
  #next({ picture: { at } }: Item, timestamp: number): Run {
    const prompt = this.#prompt!;
    const last = this.#run;
    const same = last?.prompt === prompt;
    if (!same || timestamp < last.timestamp || at - last.at > GAP_MS) this.#reset = true;
    this.#run = { prompt, timestamp, at, promptSince: same ? last.promptSince : timestamp };
    return this.#run;
  }

  #arrived(
    { picture, serial }: Item,
    { prompt, timestamp, promptSince }: Run,
    { overlay, engine, ...result }: FrameAnswer,
    current: boolean,
  ): void {
    const age = performance.now() - picture.capturedAt;
    this.#inRow = 0;
    this.#figures = { ...this.#figures, age, recoveries: engine.recoveries };
    const young = current && this.#clock.mayShow({ serial, at: picture.at });
    if (young) this.#overlay?.show(overlay);
    else overlay?.close();
    this.#status.trouble('frame', null);
    this.#status.trouble('engine', engine.device === this.#device ? null : engine.reason);
    const flat = result.warnings.find(({ code }) => code === 'IMAGE_FLAT');
    this.#status.trouble('picture', flat?.message ?? null);
    if (!young) this.#figures.late++;
    if (current) this.#status.masks(young ? 'young' : 'old');
    this.#give({ ...result, timestamp, age, prompt: prompt.report?.text ?? null, promptSince, serial });
  }

  #give(result: Numbered): void {
    this.#results.push(result);
    const { serial, ...rest } = result;
    const dropped = serial - this.#told - 1;
    this.#told = serial;
    guarded(this.#parts.where, 'onResult', this.#parts.onResult)({ ...rest, dropped });
  }

  #failed(error: TmcaError): void {
    if (this.#over) return;
    this.#figures.failed++;
    this.#reset = true;
    if (isDeath(error)) {
      void this.#restart(error);
      return;
    }
    this.#status.trouble('frame', error.message, error);
    // A frame that cannot be read is its giver's matter, and the next one may be read.
    if (error.code !== 'IMAGE_UNREADABLE') this.#inRow++;
    if (this.#inRow >= FAILURES || isFatal(error)) this.#end(error.message, error);
    else this.#feed?.refresh();
  }

  /** Has the worker replaced, once for all that its death has failed, and no more often than is allowed. */
  #restart(error: TmcaError): Promise<void> {
    this.#restarting ??= this.#revive(error).finally(() => {
      this.#restarting = undefined;
      if (!this.#prompt || this.#over) return;
      this.#newest.resume();
      this.#feed?.refresh();
    });
    return this.#restarting;
  }

  async #revive(error: TmcaError): Promise<void> {
    this.#newest.hold();
    let cause = error;
    while (!this.#over) {
      const wait = this.#restarts.next(performance.now());
      if (wait === null) return this.#end(`the worker died again and again: ${cause.message}`, cause);
      this.#status.trouble('worker', `the worker is started again: ${cause.message}`, cause);
      if (wait > 0) await pause(wait, this.#ending.signal);
      try {
        if (!this.#over) await this.#owner.revive();
        this.#reset = true;
        return this.#status.trouble('worker', null);
      } catch (thrown) {
        cause = asTmcaError(thrown, this.#parts.where);
        if (isFatal(cause)) return this.#end(cause.message, cause);
      }
    }
  }

  /** The source gives no more: what waits is run, and then the stream ends. */
  async #finish(reason: string): Promise<void> {
    await this.#newest.finish();
    this.#end(reason, undefined, true);
  }

  #end(reason: string, error?: TmcaError, unread = false): void {
    if (this.#over) return;
    this.#ending.abort();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#feed?.stop();
    this.#watchdog.stop();
    this.#newest.close();
    this.#clock.forget();
    this.#overlay?.release();
    this.#owner.forget(this.#id);
    for (const { own, report } of [...this.#retired.splice(0), this.#prompt ?? NONE]) if (own) report?.dispose();
    this.#status.end(reason, error);
    this.#results.end(error, unread);
    this.#parts.onEnd?.();
  }

  #checkPrompt(prompt: string | Report | null): void {
    checkSentence(this.#parts.where, this.#owner.info.model, prompt);
    if (typeof prompt !== 'object') checkText(prompt, {});
  }
}

const same = (size: Size): Size => size;
const NONE: Prompt = { report: null, own: false };
