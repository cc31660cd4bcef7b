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
  /** Kept for the texts of up to SHORT units. */
  readonly #workspace: Workspace;
  /** Tokens. */
  readonly size: number;
  readonly unk: number;
  readonly cls: number;
  readonly sep: number;
  readonly pad: number;

  /**
   * @param file `vocab.txt`: UTF-8 with or without a byte order mark, one token a line, ended by LF, CR or both; a token's id is its
   *   line's number from 0.
   *
   * Errors: VOCABULARY_INVALID (empty, not UTF-8, an empty or repeated line, no [UNK], [CLS], [SEP] or [PAD]),
   * OUT_OF_MEMORY.
   */
  constructor(assembly: Assembly, file: Uint8Array | string) {
    const bytes = withoutMark(typeof file === 'string' ? utf8Of.encode(file) : file);
    checkText(bytes);
    const text = assembly.alloc(bytes.length + SLACK, 'Vocabulary');
    assembly.write(text, bytes);
    // Two u32 a token and up to eight a token of hash table; a token is at least two bytes with its line break.
    const create = () => assembly.exports.createVocabulary(text, bytes.length);
    this.#assembly = assembly;
    this.#address = assembly.guard(bytes.length * 20 + 1024, 'Vocabulary', create) >>> 0;
    this.size = assembly.exports.vocabularySize(this.#address);
    try {
      this.#checkLines();
      [this.unk, this.cls, this.sep, this.pad] = this.#specials();
      this.#workspace = new Workspace(assembly, SHORT, mostIds(SHORT));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Errors: BAD_ARGUMENT, OUT_OF_MEMORY, DISPOSED. Any text will do: the empty one gives [CLS] [SEP]. */
  encode(text: string, options: EncodeOptions = {}): Encoding {
    const vocabulary = this.#live('encode');
    const { maxLength } = options;
    const valid = maxLength === undefined || (Number.isInteger(maxLength) && maxLength >= 2);
    check(valid, 'BAD_ARGUMENT', () => {
      return `Vocabulary.encode: maxLength must be an integer of at least 2, got ${maxLength}`;
    });
    const room = Math.min(mostIds(text.length), maxLength ?? Infinity);
    if (text.length <= SHORT) return this.#workspace.encode(vocabulary, text, room);
    const workspace = new Workspace(this.#assembly, text.length, room);
    try {
      return workspace.encode(vocabulary, text, room);
    } finally {
      workspace.dispose();
    }
  }

  /** The token of an id. Errors: BAD_ARGUMENT, DISPOSED. */
  token(id: number): string {
    const vocabulary = this.#live('token');
    const known = Number.isInteger(id) && id >= 0 && id < this.size;
    check(known, 'BAD_ARGUMENT', `Vocabulary.token: id must be an integer in 0..${this.size - 1}, got ${id}`);
    const { vocabularyTokenStart, vocabularyTokenLength } = this.#assembly.exports;
    const start = vocabularyTokenStart(vocabulary, id) >>> 0;
    return utf8.decode(this.#assembly.read(start, new Uint8Array(vocabularyTokenLength(vocabulary, id))));
  }

  /** Frees the table. Twice is fine. */
  dispose(): void {
    if (!this.#address) return;
    this.#assembly.exports.freeVocabulary(this.#address);
    this.#workspace?.dispose();
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

/** UTF-16 units of the texts for which memory is kept: captions and reports. */
const SHORT = 1024;
/** UTF-8 takes at most three bytes a UTF-16 unit. A lone surrogate is encoded as U+FFFD; both are dropped. */
const UNIT_BYTES = 3;
/** Bytes after a text that the module may read. */
const SLACK = 16;

/** No code point becomes more tokens than it has bytes; [CLS] and [SEP]. */
const mostIds = (units: number) => units * UNIT_BYTES + 2;

/** Room in the module's memory for the ids of a text, i32 [room], and after them for its bytes. */
class Workspace {
  readonly #assembly: Assembly;
  readonly #room: number;
  readonly #address: Pointer;
  /** A text's, on their way into the module's memory. */
  readonly #bytes: Uint8Array;

  constructor(assembly: Assembly, units: number, room: number) {
    this.#assembly = assembly;
    this.#room = room;
    this.#bytes = new Uint8Array(units * UNIT_BYTES);
    this.#address = assembly.alloc(room * 4 + units * UNIT_BYTES + SLACK, 'Vocabulary.encode');
  }

  encode(vocabulary: Pointer, text: string, room: number): Encoding {
    const { written } = utf8Of.encodeInto(text, this.#bytes);
    const at = this.#address + this.#room * 4;
    this.#assembly.write(at, this.#bytes.subarray(0, written));
    const found = this.#assembly.exports.tokenise(vocabulary, at, written, this.#address, room);
    const ids = this.#assembly.read(this.#address, new Int32Array(Math.min(found, room)));
    return { ids, truncated: found > room };
  }

  dispose(): void {
    this.#assembly.free(this.#address);
  }
}

const utf8Of = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Windows' editors begin a file of UTF-8 with a byte order mark. */
const withoutMark = (bytes: Uint8Array) =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;

/** How many tokens a vocab.txt has: its lines, counted as the module does. */
export function countTokens(file: Uint8Array): number {
  let lines = 0;
  let last = LF;
  for (const byte of file) {
    if (byte === CR || (byte === LF && last !== CR)) lines++;
    last = byte;
  }
  return last === LF || last === CR ? lines : lines + 1;
}

const LF = 10;
const CR = 13;

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
