// The results of a stream for who iterates over it: the newest one that was not read yet, then the end.

import type { LiveSegmentation } from '../../live/types.js';

export type Numbered = Omit<LiveSegmentation, 'dropped'> & {
  /** The number of its frame, in the order of delivery. */
  readonly serial: number;
};

type Step = IteratorResult<LiveSegmentation, undefined>;

export class Results {
  #unread: Numbered | undefined;
  #last = -1;
  #end: { error?: Error } | undefined;
  readonly #asking: { resolve: (step: Step) => void; reject: (error: Error) => void }[] = [];

  /** A result, in place of one that nobody has read. */
  push(result: Numbered): void {
    this.#unread = result;
    this.#answer();
  }

  /** @param unread whether a result that is there is still to be read */
  end(error: Error | undefined, unread: boolean): void {
    this.#end ??= error ? { error } : {};
    if (!unread) this.#unread = undefined;
    this.#answer();
  }

  next(): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#asking.push({ resolve, reject });
      this.#answer();
    });
  }

  #answer(): void {
    for (let asked = this.#asking[0]; asked; asked = this.#asking[0]) {
      if (!this.#unread && !this.#end) return;
      this.#asking.shift();
      if (this.#unread) asked.resolve({ done: false, value: this.#take(this.#unread) });
      else if (this.#end?.error) {
        asked.reject(this.#end.error);
        this.#end = {}; // told once
      } else asked.resolve({ done: true, value: undefined });
    }
  }

  #take({ serial, ...result }: Numbered): LiveSegmentation {
    this.#unread = undefined;
    const dropped = serial - this.#last - 1;
    this.#last = serial;
    return { ...result, dropped };
  }
}
