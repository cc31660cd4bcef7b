// Calls one after another, in the order in which they were made. One that fails spoils no other.

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything before it has settled. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
