// `onProgress` across the boundary: comlink carries a marked function as a message port.

import { type ProxyMarked, proxy, releaseProxy } from 'comlink';
import type { Progress } from '../../types.js';

export type OnProgress = (progress: Progress) => void;

/** Page side: a function that the worker may call. A callback that throws must not disturb loading: its error goes to the console. */
export function progressProxy(onProgress: OnProgress): OnProgress & ProxyMarked {
  return proxy((progress: Progress) => {
    try {
      onProgress(progress);
    } catch (error) {
      console.error('Segmenter.create: onProgress threw', error);
    }
  });
}

/** Worker side. */
export class ProgressSender {
  readonly #onProgress: OnProgress & Partial<{ [releaseProxy](): void }>;
  #delivered: unknown;

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  send(progress: Progress): void {
    this.#delivered = this.#onProgress(progress);
  }

  /** Resolves when the page has seen the last step: the port is not the one that answers travel on, which could overtake it. */
  async close(): Promise<void> {
    await this.#delivered;
    this.#onProgress[releaseProxy]?.();
  }
}
