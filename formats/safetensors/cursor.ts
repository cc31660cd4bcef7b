// Takes runs of an asked length from a stream of chunks of whatever length.

import { TmcaError } from '../../errors/index.js';
import type { ByteStream } from './source.js';

// Memory beyond this grows with what really arrives, so that a header that lies costs no more.
const FIRST_ALLOCATION = 64 << 20;

const NOTHING = new Uint8Array(0);

/** A place in a stream of chunks. */
export class ByteCursor {
  readonly #iterator: AsyncIterator<Uint8Array, void, Uint8Array | undefined>;
  readonly #firstAllocation: number;
  #rest: Uint8Array = NOTHING;
  /** What `borrow` lends. */
  #lent: Uint8Array = NOTHING;

  /** @param firstAllocation Bytes for the beginning of a run that no chunk holds whole. */
  constructor(stream: ByteStream, firstAllocation = FIRST_ALLOCATION) {
    this.#firstAllocation = firstAllocation;
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, fewer at the end of the stream. A view of a chunk where one holds them all. */
  async take(length: number): Promise<Uint8Array> {
    if (this.#rest.length === 0) await this.#pull();
    if (this.#rest.length >= length) return this.#split(length);
    return this.#fill(allocate(Math.min(length, this.#firstAllocation)), length);
  }

  /** As `take`, in memory that the next call of either uses again. The stream is offered to read right into it. */
  async borrow(length: number): Promise<Uint8Array> {
    if (this.#rest.length >= length) return this.#split(length);
    const least = Math.min(length, this.#firstAllocation);
    if (this.#lent.length < least) this.#lent = allocate(least);
    const run = await this.#fill(this.#lent, length);
    if (run.buffer !== this.#lent.buffer) this.#lent = run;
    return run;
  }

  async atEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#pull());
  }

  /** Stops the stream where it is. */
  async close(): Promise<void> {
    this.#rest = NOTHING;
    this.#lent = NOTHING;
    await this.#iterator.return?.();
  }

  /** The next `length` bytes in `memory`, or in more of it; fewer at the end of the stream. */
  async #fill(memory: Uint8Array, length: number): Promise<Uint8Array> {
    let run = memory;
    let filled = 0;
    while (filled < length) {
      if (filled === run.length) run = grow(run, filled + 1, length);
      const room = run.subarray(filled, length);
      if (this.#rest.length === 0 && !(await this.#pull(room))) break;
      const part = this.#split(Math.min(room.length, this.#rest.length));
      if (part.buffer !== room.buffer) room.set(part);
      filled += part.length;
    }
    return run.subarray(0, filled);
  }

  #split(length: number): Uint8Array {
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return part;
  }

  async #pull(into?: Uint8Array): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#iterator.next(into);
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
