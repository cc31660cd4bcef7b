// How long a mask may be on the screen: until it is older than `maxAgeMs` against the frame there. The page's own timer says so, which
// needs no word from the worker.

export interface MaskClockParts {
  readonly maxAgeMs: number;
  /** Takes the mask off the screen. */
  readonly hide: () => void;
  readonly now?: () => number;
}

/** A frame: its number in the order of delivery, and when it came on the screen (milliseconds, on the clock of `now`). */
export interface Delivered {
  readonly serial: number;
  readonly at: number;
}

export class MaskClock {
  readonly #parts: MaskClockParts;
  readonly #now: () => number;
  /** The frame whose mask is on the screen. */
  #mask: Delivered | undefined;
  #newest = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: MaskClockParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  /** A frame has come on the screen. */
  delivered({ serial }: Delivered): void {
    this.#newest = serial;
    if (this.#mask && serial !== this.#mask.serial && this.#age(this.#mask) > this.#parts.maxAgeMs) this.#hide();
  }

  /** Whether the mask of `frame` may be shown now; from then on it is watched. A mask that may not hides what is there. */
  mayShow(frame: Delivered): boolean {
    const left = this.#parts.maxAgeMs - this.#age(frame);
    // The frame itself is on the screen still: no mask could be younger.
    if (left < 0 && frame.serial !== this.#newest) {
      this.#hide();
      return false;
    }
    this.#mask = frame;
    clearTimeout(this.#timer);
    this.#timer = left < 0 ? undefined : setTimeout(() => this.#due(frame), left);
    return true;
  }

  /** No mask is on the screen any more: who calls this has seen to it. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#mask = undefined;
  }

  #hide(): void {
    this.forget();
    this.#parts.hide();
  }

  #due(frame: Delivered): void {
    // Where no newer frame has come, the mask is that of what is on the screen: a paused video, a slow camera.
    if (frame.serial !== this.#newest) this.#hide();
  }

  #age({ at }: Delivered): number {
    return this.#now() - at;
  }
}
