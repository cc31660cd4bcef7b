// The page's end of a worker. comlink matches answers to calls, but a call of comlink never settles if the worker dies, cannot be
// aborted, and does not end when the worker is disposed of. So every call is registered here, and whoever comes first settles it: the
// worker's answer, the caller's signal, or the end of the worker, however it comes.

import { type Remote, wrap } from 'comlink';
import { aborted, TmcaError } from '../../../errors/index.js';
import { asTmcaError, carryErrors } from './errors.js';
import type { CallId, WorkerApi } from './protocol.js';
import { Watchdog, type WatchdogOptions, type WatchdogReason } from './watchdog.js';

/** What of a Worker is needed: a test may pass a MessagePort with `terminate`. */
export type WorkerLike = Pick<Worker, 'postMessage' | 'addEventListener' | 'removeEventListener' | 'terminate'>;

export interface CallOptions<T> {
  readonly signal?: AbortSignal | undefined;
  /** Takes a result that arrives after its call was aborted, to free what it holds. */
  readonly late?: (value: T) => void;
}

type Send<T> = (remote: Remote<WorkerApi>, call: CallId, isPending: () => boolean) => Promise<T>;

/** How long a worker may take to free its device before it is terminated. */
const FAREWELL_MS = 1000;

export class WorkerLink {
  readonly #worker: WorkerLike;
  readonly #remote: Remote<WorkerApi>;
  readonly #watchdog: Watchdog;
  readonly #pending = new Map<CallId, (error: TmcaError) => void>();
  readonly #lockWait = new AbortController();
  #calls = 0;
  #started = false;
  #ended: TmcaError | undefined;

  /** @param script where its script is looked for, unless a bundler has moved it */
  constructor(
    worker: WorkerLike,
    watchdog: WatchdogOptions = {},
    private readonly script?: string,
  ) {
    carryErrors();
    this.#worker = worker;
    this.#remote = wrap<WorkerApi>(worker);
    this.#watchdog = new Watchdog(
      () => this.ping(),
      (reason, afterMs) => this.#gaveUp(reason, afterMs),
      watchdog,
    );
    worker.addEventListener('error', event => this.#failed(event as ErrorEvent));
    worker.addEventListener('messageerror', () => this.#garbled());
  }

  /** Waits until the worker's script answers. Errors: WORKER_FAILED, ABORTED. */
  async start(signal?: AbortSignal): Promise<void> {
    // Not crypto.randomUUID, which pages without https do not have.
    const lock = `tmca-edge worker ${performance.timeOrigin} ${Math.random()}`;
    const locked = await this.call('Segmenter.create', remote => remote.hello(lock), { signal });
    this.#started = true;
    if (locked) this.#watchLock(lock);
  }

  /** Makes a call. It settles exactly once, and at the latest when the worker ends. */
  call<T>(where: string, send: Send<T>, { signal, late }: CallOptions<T> = {}): Promise<T> {
    if (this.#ended) return Promise.reject(this.#refusal(where));
    if (signal?.aborted) return Promise.reject(aborted(where, signal));
    return new Promise<T>((resolve, reject) => {
      const id = ++this.#calls;
      const settle = (act: () => void) => {
        if (!this.#pending.delete(id)) return false;
        signal?.removeEventListener('abort', onAbort);
        if (this.#pending.size === 0) this.#watchdog.stop();
        act();
        return true;
      };
      const onAbort = () => {
        if (settle(() => reject(aborted(where, signal)))) this.tell(remote => remote.cancel(id));
      };
      this.#pending.set(id, error => settle(() => reject(error)));
      signal?.addEventListener('abort', onAbort);
      this.#watchdog.start();
      send(this.#remote, id, () => this.#pending.has(id)).then(
        value => {
          this.#watchdog.fed();
          if (!settle(() => resolve(value))) late?.(value);
        },
        thrown => {
          this.#watchdog.fed();
          settle(() => reject(asTmcaError(thrown, where)));
        },
      );
    });
  }

  /** Says something that needs no answer. */
  tell(send: (remote: Remote<WorkerApi>) => Promise<unknown>): void {
    if (!this.#ended) send(this.#remote).catch(() => {});
  }

  /** Whether calls are refused: the worker has ended. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Asks for a sign of life. */
  ping(): Promise<unknown> {
    return this.#ended ? Promise.resolve() : this.#remote.ping();
  }

  /** Ends a worker that has given no sign of life for so long. */
  giveUp(afterMs: number): void {
    this.#died(`no sign of life in ${afterMs} ms`);
  }

  /** The worker reported progress. */
  progressed(): void {
    this.#watchdog.fed();
  }

  /** Ends the worker at once: pending calls reject with `error`, later ones with its code. */
  end(error: TmcaError): void {
    if (this.#close(error)) this.#worker.terminate();
  }

  /** Ends the worker, giving it a moment to free its device. Pending calls reject at once. */
  async close(error: TmcaError): Promise<void> {
    if (!this.#close(error)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const farewell = new Promise<void>(resolve => {
      timer = setTimeout(resolve, FAREWELL_MS);
    });
    // A worker that never started cannot answer: it would only make disposal slow.
    if (this.#started) await Promise.race([this.#remote.dispose().catch(() => {}), farewell]);
    clearTimeout(timer);
    this.#worker.terminate();
  }

  #close(error: TmcaError): boolean {
    if (this.#ended) return false;
    this.#ended = error;
    this.#watchdog.stop();
    this.#lockWait.abort();
    for (const reject of [...this.#pending.values()]) reject(error);
    return true;
  }

  #failed(event: ErrorEvent): void {
    // A script that cannot be loaded gives an Event without a message.
    const what = event.message
      ? `"${event.message}"${event.filename ? ` at ${event.filename}:${event.lineno}` : ''}`
      : 'no script';
    event.preventDefault?.();
    const cause = event.error ?? undefined;
    if (this.#started) this.#died(`an uncaught error, ${what}`, cause);
    else {
      const place = this.script ? `serve tmca-edge/worker at ${this.script}, or pass \`worker\`` : 'check its address';
      const todo = `${place}; check its content security policy too (worker-src, and script-src for what it imports)`;
      this.end(
        new TmcaError(
          'WORKER_FAILED',
          `Segmenter.create: the worker script must load and start, got ${what}; ${todo}`,
          { cause },
        ),
      );
    }
  }

  #garbled(): void {
    const todo = 'page and worker must be of the same version and browser';
    this.end(
      new TmcaError(
        'WORKER_FAILED',
        `Segmenter: messages of the worker must be readable, got one that is not; ${todo}`,
      ),
    );
  }

  #gaveUp(reason: WatchdogReason, afterMs: number): void {
    if (reason === 'stalled') this.#died(`no settled call in ${afterMs} ms`);
    else if (this.#started) this.giveUp(afterMs);
    else {
      const message = `Segmenter.create: the worker script must answer within ${afterMs} ms, got nothing; is it tmca-edge/worker?`;
      this.end(new TmcaError('WORKER_FAILED', message));
    }
  }

  #died(what: string, cause?: unknown): void {
    this.end(
      new TmcaError('WORKER_DIED', `Segmenter: the worker must stay alive, got ${what}; create a new Segmenter`, {
        cause,
      }),
    );
  }

  #watchLock(lock: string): void {
    const { signal } = this.#lockWait;
    // Granted only when the worker's agent is gone. Rejects when this end closes first.
    navigator.locks.request(lock, { signal }, () => this.#died('its termination')).catch(() => {});
  }

  #refusal(where: string): TmcaError {
    const { code } = this.#ended!;
    return new TmcaError(
      code,
      `${where}: the Segmenter must be open, got one that ended with ${code}; create a new one`,
      { cause: this.#ended },
    );
  }
}
