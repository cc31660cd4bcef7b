// A report on the page, whose encoding is in a worker: the one that it was made on, or one that took its place.

import type { Report } from '../../types.js';
import type { WorkerLink } from './link.js';
import type { ReportTicket } from './protocol.js';

/** A sentence on a worker. */
export interface Encoded {
  readonly ticket: ReportTicket;
  readonly link: WorkerLink;
  readonly release: () => void;
}

/** A report whose encoding is in the worker. */
export class RemoteReport implements Report {
  readonly text: string;
  readonly ids: Int32Array;
  readonly truncated: boolean;
  disposed = false;
  #encoded: Encoded;

  constructor(
    encoded: Encoded,
    /** The Segmenter that it belongs to. */
    readonly owner: object,
  ) {
    this.#encoded = encoded;
    ({ text: this.text, ids: this.ids, truncated: this.truncated } = encoded.ticket);
  }

  get handle(): number {
    return this.#encoded.ticket.handle;
  }

  isOn(link: WorkerLink): boolean {
    return this.#encoded.link === link;
  }

  /** @returns Its number there. */
  move(encoded: Encoded): number {
    this.#encoded = encoded;
    if (this.disposed) encoded.release();
    return this.handle;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#encoded.release();
  }
}
