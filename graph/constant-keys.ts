// Identity of tensors that are known at load: equal keys mean equal values, whichever graph they stand in. Plans for
// several text lengths share their weights through it.

import { isLeaf, type Tensor, topological } from './graph.js';

/** FNV-1a over 32-bit words, twice with different seeds: 64 bits, as hexadecimal. */
function hashWords(words: Uint32Array): string {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (const word of words) {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b ^ ((word << 13) | (word >>> 19)), 0x85ebca6b);
  }
  return (a >>> 0).toString(16) + (b >>> 0).toString(16);
}

/** Keys of tensors, remembered by tensor: shared subgraphs are walked once. */
export class StructuralKeys {
  readonly #keys = new Map<Tensor, string>();
  /** Long descriptions by number, so that keys of deep expressions stay short. */
  readonly #numbers = new Map<string, number>();

  /** The key of a tensor that reaches no input. */
  of(tensor: Tensor): string {
    for (const t of topological([tensor])) {
      if (this.#keys.has(t)) continue;
      const description = isLeaf(t) ? this.#leaf(t) : this.#op(t);
      const number = this.#numbers.get(description) ?? this.#numbers.size;
      this.#numbers.set(description, number);
      this.#keys.set(t, `${number}`);
    }
    return this.#keys.get(tensor)!;
  }

  #leaf(t: Tensor): string {
    if (t.op === 'constant') {
      if (t.formula !== undefined) return `constant ${t.formula}`;
      const { buffer, byteOffset, byteLength } = t.data;
      return `constant ${t.shape} ${hashWords(new Uint32Array(buffer, byteOffset, byteLength / 4))}`;
    }
    return t.op === 'parameter' ? `parameter ${t.name} ${t.shape}` : `${t.op}`;
  }

  #op(t: Extract<Tensor, { inputs: unknown }>): string {
    const inputs = t.inputs.map(input => (input === null ? '-' : this.#keys.get(input)!));
    return `${t.op} ${JSON.stringify(t.attrs)} ${inputs.join(' ')}`;
  }
}
