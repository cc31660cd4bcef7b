// Memory of what is computed on the host while a model is opened.

import type { HostMemory } from '../../graph/evaluate.js';

/**
 * Arrays by their length, used again. A model's layers have the same few lengths, and a new page of memory costs more time
 * than the numbers that are computed in it.
 */
export class ReusedMemory implements HostMemory<Float32Array> {
  readonly #spare = new Map<number, Float32Array[]>();
  #made: Float32Array[] = [];

  /** An array of any content, until it is given back. */
  take(count: number): Float32Array {
    return this.#spare.get(count)?.pop() ?? new Float32Array(count);
  }

  give(array: Float32Array): void {
    const spare = this.#spare.get(array.length);
    if (spare) spare.push(array);
    else this.#spare.set(array.length, [array]);
  }

  zeros(count: number): Float32Array {
    const array = this.take(count).fill(0);
    this.#made.push(array);
    return array;
  }

  of(numbers: ArrayLike<number>): Float32Array {
    if (numbers instanceof Float32Array) return numbers;
    const array = this.zeros(numbers.length);
    array.set(numbers);
    return array;
  }

  /** Ends what `zeros` and `of` have made: nobody reads it any more. */
  recycle(): void {
    for (const array of this.#made.splice(0)) this.give(array);
  }
}
