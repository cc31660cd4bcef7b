// Waiting for a software adapter in Node. Dawn keeps its promises there by asking the device at every turn of the event
// loop, as fast as it turns, and that takes a core from the very work that is waited for.

/** Turns that go by at once, counted from the last wait that began: what is soon done is answered without a delay. */
const FREE_TURNS = 32;

/** Milliseconds of a pause: short to whoever waits for a software adapter, long to a processor. */
const PAUSE = 2;

/** Sleeps a moment at each turn of the event loop while something waits; the loop's other work goes on, turn by turn. */
export class Pacer {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #waiting = 0;
  #turns = 0;
  #running = false;

  /** Something waits from now on. */
  begin(): void {
    this.#waiting++;
    this.#turns = 0;
    if (this.#running) return;
    this.#running = true;
    setImmediate(this.#turn);
  }

  /** It waits no more. */
  end(): void {
    this.#waiting--;
  }

  readonly #turn = (): void => {
    this.#running = this.#waiting > 0;
    if (!this.#running) return;
    if (++this.#turns > FREE_TURNS) Atomics.wait(this.#cell, 0, 0, PAUSE);
    setImmediate(this.#turn);
  };
}
