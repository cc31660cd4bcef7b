// The latency strip: one bar for each result, as high as its mask was old; those beyond the limit, which were not shown, in the colour
// of what is wrong. Numbers beside it say the same in words.

const BARS = 120;

export interface Beat {
  /** Milliseconds. */
  readonly age: number;
  readonly dropped: number;
  /** When it came, in milliseconds. */
  readonly at: number;
}

export class Strip {
  readonly #beats: Beat[] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly limit: () => number,
  ) {}

  add(beat: Beat): void {
    this.#beats.push(beat);
    if (this.#beats.length > BARS) this.#beats.shift();
    this.#draw();
  }

  clear(): void {
    this.#beats.length = 0;
    this.#draw();
  }

  /** The usual and the worse age, and masks a second, of what the strip shows; null while it shows nothing. */
  summary(): { readonly p50: number; readonly p95: number; readonly rate: number } | null {
    if (this.#beats.length < 2) return null;
    const ages = this.#beats.map(({ age }) => age).sort((a, b) => a - b);
    const rank = (share: number) => ages[Math.min(ages.length - 1, Math.floor(share * ages.length))]!;
    const span = this.#beats.at(-1)!.at - this.#beats[0]!.at;
    return { p50: rank(0.5), p95: rank(0.95), rate: (1000 * (this.#beats.length - 1)) / Math.max(1, span) };
  }

  #draw(): void {
    const { canvas } = this;
    const density = window.devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * density);
    canvas.height = Math.round(canvas.clientHeight * density);
    const context = canvas.getContext('2d');
    if (!context) return;
    const style = getComputedStyle(canvas);
    const limit = this.limit();
    const top = 1.5 * limit;
    const step = canvas.width / BARS;
    const y = (age: number) => canvas.height * (1 - Math.min(1, age / top));
    for (const [at, { age }] of this.#beats.entries()) {
      context.fillStyle = age > limit ? style.outlineColor : style.color;
      context.fillRect(at * step, y(age), Math.max(1, step - density), canvas.height - y(age));
    }
    context.fillStyle = style.borderTopColor;
    context.fillRect(0, y(limit), canvas.width, density);
  }
}
