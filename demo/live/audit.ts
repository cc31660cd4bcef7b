// The audit log of a live run: JSON lines, each with the SHA-256 of the line before, so that a line which is changed, left out or put
// in shows. It holds no pixel.

const encoder = new TextEncoder();

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(text));
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** What stands in place of a hash in the first line. */
const NOTHING = '0'.repeat(64);

export type Entry = Readonly<Record<string, unknown>>;

export class AuditLog {
  readonly #lines: string[] = [];
  #previous = NOTHING;
  /** Lines are written one after another, in the order of the calls. */
  #writing: Promise<void> = Promise.resolve();

  get length(): number {
    return this.#lines.length;
  }

  /** @param time for tests; now if not given */
  add(event: string, entry: Entry = {}, time = new Date()): Promise<void> {
    return this.#inTurn(() => this.#append(event, entry, time));
  }

  /** The log as it is now, with a last line that closes it: whoever cuts lines off its end cuts that one off. */
  file(): Promise<Blob> {
    return this.#inTurn(async () => {
      await this.#append('saved', { lines: this.#lines.length + 1 }, new Date());
      return new Blob([`${this.#lines.join('\n')}\n`], { type: 'application/jsonl' });
    });
  }

  async #append(event: string, entry: Entry, time: Date): Promise<void> {
    const { length: n } = this.#lines;
    const line = JSON.stringify({ n, time: time.toISOString(), event, ...entry, previous: this.#previous });
    this.#lines.push(line);
    this.#previous = await sha256(line);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.then(() => {});
    return done;
  }
}

/** The number of the first line that does not belong where it stands, counted from 0; null if the chain is whole. */
export async function brokenLine(log: string): Promise<number | null> {
  let previous = NOTHING;
  const lines = log.trimEnd().split('\n');
  for (const [at, line] of lines.entries()) {
    try {
      const entry = JSON.parse(line) as Entry;
      if (entry.n !== at || entry.previous !== previous) return at;
      if (at === lines.length - 1 && (entry.event !== 'saved' || entry.lines !== lines.length)) return at;
    } catch {
      return at;
    }
    previous = await sha256(line);
  }
  return null;
}
