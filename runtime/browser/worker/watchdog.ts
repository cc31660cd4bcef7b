// Notices a worker that is alive by name only. Two clocks, both counted in ticks of the page's own timer rather than in time of day:
// a page that sleeps (lid closed, tab throttled) then misses one tick, not a deadline.

/** How long to wait before a worker is given up. `Infinity` switches a clock off. */
export interface WatchdogOptions {
  /** The worker answers no ping: an endless loop, a crash. Default 120,000 ms, for the wasm engine works in long blocks. */
  readonly unresponsiveMs?: number;
  /** The worker answers pings, but no call settles and no progress is reported. Default 300,000 ms. */
  readonly stallMs?: number;
}

export type WatchdogReason = 'unresponsive' | 'stalled';

const DEFAULTS = { unresponsiveMs: 120_000, stallMs: 300_000 };
const TICKS = 4;

export class Watchdog {
  readonly #ping: () => Promise<unknown>;
  readonly #bark: (reason: WatchdogReason, afterMs: number) => void;
  readonly #tickMs: number;
  readonly #limits: { readonly unresponsiveMs: number; readonly stallMs: number };
  #timer: ReturnType<typeof setInterval> | undefined;
  #asked = false;
  #silent = 0;
  #idle = 0;

  constructor(
    ping: () => Promise<unknown>,
    bark: (reason: WatchdogReason, afterMs: number) => void,
    options: WatchdogOptions = {},
  ) {
    this.#ping = ping;
    this.#bark = bark;
    this.#limits = { ...DEFAULTS, ...options };
    this.#tickMs = Math.min(this.#limits.unresponsiveMs, this.#limits.stallMs) / TICKS;
  }

  /** Begins to watch; called when the first call becomes pending. */
  start(): void {
    if (this.#timer !== undefined || !Number.isFinite(this.#tickMs)) return;
    this.#asked = false; // a worker that has died since never answered
    this.#silent = 0;
    this.#idle = 0;
    this.#timer = setInterval(() => this.#tick(), this.#tickMs);
  }

  /** Stops watching; called when no call is pending. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The worker said something that counts as work: a call settled, or progress. */
  fed(): void {
    this.#silent = 0;
    this.#idle = 0;
  }

  #tick(): void {
    if (this.#asked) this.#silent++;
    else this.#ask();
    this.#idle++;
    if (this.#silent * this.#tickMs >= this.#limits.unresponsiveMs)
      this.#give('unresponsive', this.#limits.unresponsiveMs);
    else if (this.#idle * this.#tickMs >= this.#limits.stallMs) this.#give('stalled', this.#limits.stallMs);
  }

  #ask(): void {
    this.#asked = true;
    const answered = () => {
      this.#asked = false;
      this.#silent = 0;
    };
    this.#ping().then(answered, answered);
  }

  #give(reason: WatchdogReason, afterMs: number): void {
    this.stop();
    this.#bark(reason, afterMs);
  }
}
