// A file that arrives, put on the shelf a piece at a time.

import { concatenate } from '../../../formats/safetensors/index.js';
import { type Part, pieceName, type Records } from './records.js';

/** What is lost at most when a page ends; what is held in memory at most. */
export const PIECE_BYTES = 8 << 20;

export class PartWriter {
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #part: Part;

  constructor(
    private readonly records: Records,
    private readonly key: string,
    part: Part,
    private readonly pieceBytes: number,
  ) {
    this.#part = part;
  }

  /** What is on the shelf. */
  get part(): Part {
    return this.#part;
  }

  /** Errors: those of the browser, where there is no room. */
  async append(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk.slice());
    this.#bytes += chunk.length;
    if (this.#bytes >= this.pieceBytes) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const bytes = concatenate(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    // The record that owns the piece comes first, the one that lists it after it.
    if (this.#part.sizes.length === 0) await this.records.putPart(this.key, this.#part);
    await this.records.shelf.put(pieceName(this.#part, this.#part.sizes.length), bytes);
    this.#part = { ...this.#part, sizes: [...this.#part.sizes, bytes.length] };
    await this.records.putPart(this.key, this.#part);
  }
}
