// Sentences as token ids: each one tokenised once, batches padded to few lengths.

import type { Vocabulary } from '../../assembly/index.js';
import { paddedLength, padIds, textLengths } from '../../runtime/text-lengths.js';

export interface TextBatch {
  /** L: what was asked for, or the shortest of `textLengths` that holds the batch's longest sentence. */
  readonly length: number;
  /** [B, L], padded with 0; absent, as `mask`, where the network reads no sentence. */
  readonly ids?: Int32Array;
  /** [B, L], 1 where there is a token. */
  readonly mask?: Int32Array;
}

const NO_TOKENS = { ids: new Int32Array(0), truncated: false } as const;

export class Texts {
  readonly #vocabulary: Vocabulary | null;
  readonly #maxLength: number;
  readonly #lengths: readonly number[];
  readonly #known = new Map<string, { readonly ids: Int32Array; readonly truncated: boolean }>();

  /**
   * @param vocabulary null for a network that reads no sentence: then all of them have no tokens
   * @param maxLength most ids of a sentence, [CLS] and [SEP] included
   */
  constructor(vocabulary: Vocabulary | null, maxLength: number) {
    this.#vocabulary = vocabulary;
    this.#maxLength = maxLength;
    this.#lengths = textLengths(maxLength);
  }

  /** Ids of a sentence, cut to the limit. */
  tokens(text: string): number {
    return this.#encode(text).ids.length;
  }

  isTruncated(text: string): boolean {
    return this.#encode(text).truncated;
  }

  /** The first text that is within the limit, and within `tokens`; the last one where none is. */
  fitting(texts: readonly string[], tokens = this.#maxLength): string {
    const fits = texts.find(text => !this.isTruncated(text) && this.tokens(text) <= tokens);
    return fits ?? texts[texts.length - 1]!;
  }

  /** @param fixed padded length; the shortest of `textLengths` that holds the batch if not given */
  batch(texts: readonly string[], fixed?: number): TextBatch {
    if (!this.#vocabulary) return { length: 0 };
    const encoded = texts.map(text => this.#encode(text).ids);
    const length = fixed ?? paddedLength(this.#lengths, Math.max(...encoded.map(ids => ids.length)));
    const whole = { length, ids: new Int32Array(texts.length * length), mask: new Int32Array(texts.length * length) };
    for (const [i, ids] of encoded.entries()) {
      const row = padIds(ids, length);
      whole.ids.set(row.ids, i * length);
      whole.mask.set(row.mask, i * length);
    }
    return whole;
  }

  #encode(text: string) {
    let encoded = this.#known.get(text);
    if (!encoded) {
      encoded = this.#vocabulary?.encode(text, { maxLength: this.#maxLength }) ?? NO_TOKENS;
      this.#known.set(text, encoded);
    }
    return encoded;
  }
}
