// Calls one after another, in the order in which they were made. One that fails spoils no other, and one whose signal fires
// leaves while it waits.

import { aborted, type TmcaError, throwIfAborted } from '../errors/index.js';

interface Waiting {
  readonly where: string;
  readonly signal: AbortSignal | undefined;
  readonly begin: () => Promise<void>;
  readonly reject: (error: TmcaError) => void;
}

/**
 * Between two calls the event loop has a turn: work in wasm settles without one, and a long line of it would keep timers, messages
 * and signals waiting until its end.
 */
export class SerialQueue {
  /** In the order of the calls. */
  readonly #waiting = new Set<Waiting>();
  #busy = false;
  /** One listener for all calls that share a signal: Node warns of a leak from the eleventh on. */
  readonly #onAbort = ({ target }: Event): void => {
    for (const call of this.#waiting)
      if (call.signal === target) this.#take(call).reject(aborted(call.where, call.signal));
  };

  /**
   * Begins `work` when everything before it has settled: at once where there is nothing.
   *
   * Errors: ABORTED as soon as `signal` fires, if `work` has not begun; from then on the signal is a matter of `work`.
   */
  async run<T>(work: () => Promise<T>, where: string, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal, where);
    return new Promise<T>((resolve, reject) => {
      const begin = async () => work().then(resolve, reject);
      this.#waiting.add({ where, signal, reject, begin: () => begin().catch(reject) });
      signal?.addEventListener('abort', this.#onAbort);
      if (!this.#busy) void this.#work();
    });
  }

  /** Rejects all that wait; what runs is left to itself. */
  clear(error: TmcaError): void {
    for (const call of this.#waiting) this.#take(call).reject(error);
  }

  #take(call: Waiting): Waiting {
    this.#waiting.delete(call);
    for (const { signal } of this.#waiting) if (signal === call.signal) return call;
    call.signal?.removeEventListener('abort', this.#onAbort);
    return call;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    // A set is walked in the order of its making, with what joins it meanwhile.
    for (const call of this.#waiting) {
      await this.#take(call).begin();
      await turn();
    }
    this.#busy = false;
  }
}

/** Kept, because tests put others in their place. */
const { setImmediate: immediate, MessageChannel: Channel } = globalThis;

/** A turn of the event loop. `setTimeout` would wait for milliseconds. */
const turn = (): Promise<void> =>
  new Promise(resolve => {
    if (immediate) return void immediate(resolve);
    const { port1, port2 } = new Channel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
