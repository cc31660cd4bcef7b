// How often something that dies is started again: a bounded number of times in a while, and later each time.

export interface RestartLimits {
  /** Restarts within `withinMs`. */
  readonly limit?: number;
  readonly withinMs?: number;
  /** Wait before the second restart in a while, in milliseconds; doubled each time. The first is at once. */
  readonly backoffMs?: number;
}

export class Restarts {
  readonly #limits: Required<RestartLimits>;
  readonly #times: number[] = [];
  #count = 0;

  constructor(limits: RestartLimits = {}) {
    this.#limits = { limit: 3, withinMs: 60_000, backoffMs: 500, ...limits };
  }

  /** All restarts so far. */
  get count(): number {
    return this.#count;
  }

  /** Milliseconds to wait before one more; null where there were too many. */
  next(now: number): number | null {
    const { limit, withinMs, backoffMs } = this.#limits;
    while (this.#times.length > 0 && now - this.#times[0]! >= withinMs) this.#times.shift();
    const before = this.#times.length;
    if (before >= limit) return null;
    this.#times.push(now);
    this.#count++;
    return before === 0 ? 0 : backoffMs * 2 ** (before - 1);
  }
}
