// Takes runs of an asked length from a stream of chunks of whatever length.

import { TmcaError } from '../../errors/index.js';

// Memory beyond this grows with what really arrives, so that a header that lies costs no more.
const FIRST_ALLOCATION = 64 << 20;

/** A place in a stream of chunks. */
export class ByteCursor {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #firstAllocation: number;
  #rest: Uint8Array = new Uint8Array(0);

  /** @param firstAllocation Bytes for the beginning of a run that no chunk holds whole. */
  constructor(stream: AsyncIterable<Uint8Array>, firstAllocation = FIRST_ALLOCATION) {
    this.#firstAllocation = firstAllocation;
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, fewer at the end of the stream. A view of a chunk where one holds them all. */
  async take(length: number): Promise<Uint8Array> {
    if (this.#rest.length < length && this.#rest.length === 0) await this.#pull();
    if (this.#rest.length >= length) return this.#split(length);
    let run = allocate(Math.min(length, this.#firstAllocation));
    let filled = 0;
    while (filled < length && (this.#rest.length > 0 || (await this.#pull()))) {
      const part = this.#split(Math.min(length - filled, this.#rest.length));
      if (filled + part.length > run.length) run = grow(run, filled + part.length, length);
      run.set(part, filled);
      filled += part.length;
    }
    return run.subarray(0, filled);
  }

  async atEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#pull());
  }

  /** Stops the stream where it is. */
  async close(): Promise<void> {
    this.#rest = new Uint8Array(0);
    await this.#iterator.return?.();
  }

  #split(length: number): Uint8Array {
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return part;
  }

  async #pull(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#iterator.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.#rest = value;
      return true;
    }
  }
}

function grow(run: Uint8Array, needed: number, limit: number): Uint8Array<ArrayBuffer> {
  const larger = allocate(Math.min(Math.max(needed, run.length * 2), limit));
  larger.set(run);
  return larger;
}

function allocate(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new TmcaError(
      'UNSUPPORTED',
      `ByteCursor: one tensor must fit in memory, got ${length} bytes; use a smaller model or more memory`,
      { cause },
    );
  }
}
