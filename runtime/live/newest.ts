// One frame in flight, and of those that wait the newest wins. Whatever comes is either run or dropped, and counted.

/** Counts so far; what waits or runs is in none of them yet. */
export interface Counts {
  readonly delivered: number;
  readonly shown: number;
  readonly dropped: number;
}

export class Newest<T> {
  #waiting: { readonly item: T } | undefined;
  #running = false;
  #held = false;
  #over = false;
  #shown = 0;
  #dropped = 0;
  readonly #idle: (() => void)[] = [];

  /**
   * @param run calls `shown` when there is a result for the item; never rejects
   * @param drop lets go of one that is not run
   */
  constructor(
    private readonly run: (item: T, shown: () => void) => Promise<void>,
    private readonly drop: (item: T) => void,
  ) {}

  get counts(): Counts {
    return { delivered: this.#shown + this.#dropped, shown: this.#shown, dropped: this.#dropped };
  }

  /** Runs it if nothing runs; else it waits, in place of what waited. */
  offer(item: T): void {
    if (this.#over) this.#lose(item);
    else {
      this.#dropWaiting();
      this.#waiting = { item };
      this.#next();
    }
  }

  /** Runs nothing until `resume`; the newest item waits. */
  hold(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#next();
  }

  /** Takes nothing more; resolves when what runs and what waits is done. */
  finish(): Promise<void> {
    this.#over = true;
    return new Promise(resolve => {
      this.#idle.push(resolve);
      this.#settle();
    });
  }

  /** Takes nothing more, and drops what waits. */
  close(): void {
    this.#over = true;
    this.#dropWaiting();
    this.#settle();
  }

  #dropWaiting(): void {
    if (!this.#waiting) return;
    const { item } = this.#waiting;
    this.#waiting = undefined;
    this.#lose(item);
  }

  #lose(item: T): void {
    this.#dropped++;
    this.drop(item);
  }

  #next(): void {
    if (this.#running || this.#held || !this.#waiting) return;
    const { item } = this.#waiting;
    this.#waiting = undefined;
    this.#running = true;
    let shown = false;
    const show = () => {
      if (!shown) this.#shown++;
      shown = true;
    };
    void this.run(item, show).then(() => {
      this.#running = false;
      if (!shown) this.#dropped++;
      this.#next();
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#running || this.#waiting) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
