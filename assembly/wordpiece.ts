// Text to token ids, as Hugging Face's BertTokenizer (uncased) does it.

import { check, TmcaError } from '../errors/index.js';
import type { Pointer } from './exports.js';
import type { Assembly } from './instance.js';

/** In the order of the module's SPECIAL (`assembly/src/vocabulary.ts`). */
const SPECIAL = ['[UNK]', '[CLS]', '[SEP]', '[PAD]', '[MASK]'] as const;

export interface EncodeOptions {
  /** Most ids, [CLS] and [SEP] included; at least 2. No limit if not given. */
  readonly maxLength?: number;
}

export interface Encoding {
  /** [CLS] … [SEP], unpadded. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** True when the text was longer than `maxLength` and was cut. */
  readonly truncated: boolean;
}

/**
 * A WordPiece vocabulary in wasm memory, and the tokeniser on it: clean, lower-case, strip accents, space Han characters,
 * split on punctuation, then the longest pieces first. Special tokens written in the text become their ids, as there.
 *
 * @example
 * using vocabulary = new Vocabulary(await loadAssembly(), await readFile('vocab.txt'));
 * const { ids, truncated } = vocabulary.encode('one small pink polyp', { maxLength: 64 });
 */
export class Vocabulary {
  readonly #assembly: Assembly;
  #address: Pointer;
  /** Tokens. */
  readonly size: number;
  readonly unk: number;
  readonly cls: number;
  readonly sep: number;
  readonly pad: number;

  /**
   * @param file `vocab.txt`: UTF-8, one token a line; a token's id is its line's number from 0.
   *
   * Errors: VOCABULARY_INVALID (empty, not UTF-8, an empty or repeated line, no [UNK], [CLS], [SEP] or [PAD]),
   * OUT_OF_MEMORY.
   */
  constructor(assembly: Assembly, file: Uint8Array | string) {
    const bytes = typeof file === 'string' ? utf8Of.encode(file) : file;
    checkText(bytes);
    const text = assembly.alloc(bytes.length, 'Vocabulary');
    assembly.u8(text, bytes.length).set(bytes);
    // Two u32 a token and up to four a token of hash table; a token is at least two bytes with its line break.
    const create = () => assembly.exports.createVocabulary(text, bytes.length);
    this.#assembly = assembly;
    this.#address = assembly.guard(bytes.length * 12 + 1024, 'Vocabulary', create) >>> 0;
    this.size = assembly.exports.vocabularySize(this.#address);
    try {
      this.#checkLines();
      [this.unk, this.cls, this.sep, this.pad] = this.#specials();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Errors: BAD_ARGUMENT, OUT_OF_MEMORY, DISPOSED. Any text will do: the empty one gives [CLS] [SEP]. */
  encode(text: string, options: EncodeOptions = {}): Encoding {
    const { exports } = this.#assembly;
    const vocabulary = this.#live('encode');
    const { maxLength } = options;
    const valid = maxLength === undefined || (Number.isInteger(maxLength) && maxLength >= 2);
    check(valid, 'BAD_ARGUMENT', `Vocabulary.encode: maxLength must be an integer of at least 2, got ${maxLength}`);
    // UTF-8 takes at most three bytes a UTF-16 unit. A lone surrogate is encoded as U+FFFD; both are dropped.
    const room = text.length * 3;
    // No code point becomes more tokens than it has bytes.
    const most = maxLength === undefined ? room : Math.min(room, maxLength - 2);
    // [CLS], ids, [SEP], then the text
    const ids = this.#assembly.alloc((most + 2) * 4 + room, 'Vocabulary.encode');
    try {
      const utf8 = ids + (most + 2) * 4;
      const { written } = utf8Of.encodeInto(text, this.#assembly.u8(utf8, room));
      const found = exports.tokenise(vocabulary, utf8, written, ids + 4, most);
      const kept = Math.min(found, most);
      const all = this.#assembly.i32(ids, kept + 2);
      all[0] = this.cls;
      all[kept + 1] = this.sep;
      return { ids: all.slice() as Int32Array<ArrayBuffer>, truncated: found > most };
    } finally {
      this.#assembly.free(ids);
    }
  }

  /** The token of an id. Errors: BAD_ARGUMENT, DISPOSED. */
  token(id: number): string {
    const vocabulary = this.#live('token');
    const known = Number.isInteger(id) && id >= 0 && id < this.size;
    check(known, 'BAD_ARGUMENT', `Vocabulary.token: id must be an integer in 0..${this.size - 1}, got ${id}`);
    const { vocabularyTokenStart, vocabularyTokenLength } = this.#assembly.exports;
    const start = vocabularyTokenStart(vocabulary, id) >>> 0;
    return utf8.decode(this.#assembly.u8(start, vocabularyTokenLength(vocabulary, id)));
  }

  /** Frees the table. Twice is fine. */
  dispose(): void {
    if (this.#address) this.#assembly.exports.freeVocabulary(this.#address);
    this.#address = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(method: string): Pointer {
    check(this.#address, 'DISPOSED', `Vocabulary.${method}: must not be used after dispose(); make a new one`);
    return this.#address;
  }

  #checkLines(): void {
    const { vocabularyEmptyLine, vocabularyRepeatedLine } = this.#assembly.exports;
    const empty = vocabularyEmptyLine(this.#address);
    invalidIf(
      empty >= 0,
      () => `every line must hold a token, got an empty line ${empty + 1}; remove it or restore it`,
    );
    const repeated = vocabularyRepeatedLine(this.#address);
    invalidIf(repeated >= 0, () => {
      return `tokens must differ, got "${this.token(repeated)}" again on line ${repeated + 1}; restore the file`;
    });
  }

  #specials(): [number, number, number, number] {
    const ids = SPECIAL.map((_, i) => this.#assembly.exports.specialId(this.#address, i));
    const missing = SPECIAL.slice(0, 4).filter((_, i) => ids[i]! < 0);
    invalidIf(missing.length > 0, () => {
      return `[UNK], [CLS], [SEP] and [PAD] must be among the tokens, got none named ${missing.join(', ')}; use the model's own vocab.txt`;
    });
    return [ids[0]!, ids[1]!, ids[2]!, ids[3]!];
  }
}

const utf8Of = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function checkText(bytes: Uint8Array): void {
  invalidIf(bytes.length === 0, () => 'a file of tokens must not be empty, got 0 bytes; restore the file');
  try {
    utf8.decode(bytes);
  } catch (cause) {
    throw new TmcaError('VOCABULARY_INVALID', 'Vocabulary: text must be UTF-8, got other bytes; restore the file', {
      cause,
    });
  }
}

function invalidIf(condition: boolean, message: () => string): void {
  if (condition) throw new TmcaError('VOCABULARY_INVALID', `Vocabulary: ${message()}`);
}
