// Calls of which one runs and the newest alone waits: an older one that waits is refused.

import { aborted, TmcaError, throwIfAborted } from '../errors/index.js';

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: TmcaError) => void;
}

export class NewestCall {
  #running = false;
  #waiting: Waiting | undefined;

  /** Errors: SUPERSEDED, where a newer call came while this one waited; ABORTED; those of `work`. */
  async run<T>(work: () => Promise<T>, where: string, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal, where);
    if (this.#running) await this.#turn(where, signal);
    this.#running = true;
    try {
      return await work();
    } finally {
      this.#running = false;
      const next = this.#waiting;
      this.#waiting = undefined;
      // Taken before anybody else comes.
      if (next) this.#running = true;
      next?.begin();
    }
  }

  #turn(where: string, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = withResolvers();
    const waiting: Waiting = { begin: resolve, refuse: reject };
    this.#waiting?.refuse(
      new TmcaError(
        'SUPERSEDED',
        `${where}: with policy latest the newest image alone waits, got a newer one; use its result`,
      ),
    );
    this.#waiting = waiting;
    const abort = () => {
      if (this.#waiting === waiting) this.#waiting = undefined;
      reject(aborted(where, signal));
    };
    signal?.addEventListener('abort', abort);
    return promise.finally(() => signal?.removeEventListener('abort', abort));
  }
}

function withResolvers() {
  let resolve!: () => void;
  let reject!: (error: TmcaError) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
