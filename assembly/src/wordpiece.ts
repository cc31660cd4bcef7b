// Hugging Face's BertTokenizer (uncased), on UTF-8: special tokens written in the text are taken out first; the rest is
// cleaned, Han characters and punctuation become words of their own, everything is folded (unicode.ts), and each word is
// cut greedily into the longest pieces that the vocabulary has, `##` before all but the first.
// Source: transformers, models/bert/tokenization_bert.py, BasicTokenizer and WordpieceTokenizer.

import { asciiClass, classOf, DROP, fold, isHan, MAX_FOLD, PLAIN, PUNCTUATION, SPACE } from './unicode';
import { find, specialAt, specialId, Vocabulary } from './vocabulary';

/** A word of more characters is unknown as a whole. */
const MAX_CHARACTERS: i32 = 100;
/** Bytes looked at together. */
const LANES: i32 = 16;

/** UTF-8 of the word so far, MAX_CHARACTERS at most; `characters` counts on. `takeLetters` writes up to a vector beyond. */
const word = memory.data(100 * 4 + 16, 16);
let bytes: i32 = 0;
let characters: i32 = 0;
/** u32 [MAX_FOLD]. */
const folded = memory.data(4 * 4, 16);

let out: usize = 0;
let count: i32 = 0;
let capacity: i32 = 0;

/**
 * Writes [CLS], ids and [SEP], i32 [at most `room`, two at least]. Returns how many there are, `room + 1` when there would be more.
 * `text` is well-formed UTF-8, and LANES bytes after it can be read.
 */
export function tokenise(v: Vocabulary, text: usize, length: usize, to: usize, room: i32): i32 {
  out = to;
  count = 0;
  capacity = room - 1;
  emit(v.cls);
  startWord();
  const end = text + length;
  for (let at = text; at < end && count <= capacity; ) {
    at = takeLetters(at, end);
    if (at == end) break;
    const lead = <u32>load<u8>(at);
    if (lead < 0x80) {
      const special = lead == 0x5b ? specialAt(v, at, end) : -1;
      if (special < 0) {
        takeAscii(v, lead);
        at += 1;
      } else {
        endWord(v);
        emit(specialId(v, special));
        at += special == 4 ? 6 : 5;
      }
    } else {
      const size: usize = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      take(v, decode(at, lead, size));
      at += size;
    }
  }
  endWord(v);
  store<i32>(out + ((<usize>min(count, capacity)) << 2), v.sep);
  return min(count, capacity + 1) + 1;
}

/** Appends the letters, in lower case, and digits of ASCII that stand there, while the word has room; returns where they end. */
function takeLetters(at: usize, end: usize): usize {
  const last = min(end, at + max(MAX_CHARACTERS - characters, 0));
  const start = at;
  for (let n = LANES; n == LANES && at < last; at += n) {
    const chars = v128.load(at);
    // digits have this bit
    const lower = v128.or(chars, i8x16.splat(0x20));
    const letters = i8x16.lt_u(i8x16.sub(lower, i8x16.splat(0x61)), i8x16.splat(26));
    const digits = i8x16.lt_u(i8x16.sub(chars, i8x16.splat(0x30)), i8x16.splat(10));
    v128.store(word + bytes + (at - start), lower);
    n = ctz(~i8x16.bitmask(v128.or(letters, digits)));
  }
  at = min(at, last);
  bytes += <i32>(at - start);
  characters += <i32>(at - start);
  return at;
}

/** As `take`, for ASCII. */
function takeAscii(v: Vocabulary, c: u32): void {
  const kind = asciiClass(c);
  if (kind == DROP) return;
  // a letter that `takeLetters` has left, in a word that is too long
  if (kind == PLAIN) return append(c);
  endWord(v);
  if (kind == SPACE) return;
  append(c);
  endWord(v);
}

/** Code point of the `size` bytes at `at`, two or more. */
function decode(at: usize, lead: u32, size: usize): u32 {
  let c = lead & (0x7f >> <u32>size);
  for (let i: usize = 1; i < size; ++i) c = (c << 6) | (<u32>load<u8>(at + i) & 63);
  return c;
}

function take(v: Vocabulary, c: u32): void {
  const kind = classOf(c);
  if (kind == DROP) return;
  if (kind == SPACE) {
    endWord(v);
    return;
  }
  const han = isHan(c);
  const n = fold(c, folded);
  for (let i = 0; i < n; ++i) {
    const d = load<u32>(folded + ((<usize>i) << 2));
    const alone = han || classOf(d) == PUNCTUATION;
    if (alone) endWord(v);
    append(d);
    if (alone) endWord(v);
  }
}

function append(c: u32): void {
  if (characters++ >= MAX_CHARACTERS) return;
  if (c < 0x80) {
    appendByte(c);
  } else if (c < 0x800) {
    appendByte(0xc0 | (c >> 6));
    appendByte(0x80 | (c & 63));
  } else if (c < 0x10000) {
    appendByte(0xe0 | (c >> 12));
    appendByte(0x80 | ((c >> 6) & 63));
    appendByte(0x80 | (c & 63));
  } else {
    appendByte(0xf0 | (c >> 18));
    appendByte(0x80 | ((c >> 12) & 63));
    appendByte(0x80 | ((c >> 6) & 63));
    appendByte(0x80 | (c & 63));
  }
}

function appendByte(byte: u32): void {
  store<u8>(word + bytes++, <u8>byte);
}

function emit(id: i32): void {
  if (count < capacity) store<i32>(out + ((<usize>count) << 2), id);
  ++count;
}

function startWord(): void {
  bytes = 0;
  characters = 0;
}

/** Cuts the word into pieces and starts the next. */
function endWord(v: Vocabulary): void {
  if (!characters) return;
  const before = count;
  if (characters > MAX_CHARACTERS || !emitPieces(v)) {
    count = before;
    emit(v.unk);
  }
  startWord();
}

/** False where some part of the word is no piece. */
function emitPieces(v: Vocabulary): bool {
  for (let start: i32 = 0; start < bytes; ) {
    const prefix = start ? 2 : 0;
    let end = min(bytes, start + v.longest - prefix);
    // A word that is a token, as most are, is found at once. Tokens are whole characters: no piece ends within one.
    let id = find(v, word + start, end - start, prefix);
    while (id < 0 && --end > start) id = find(v, word + start, end - start, prefix);
    if (id < 0) return false;
    emit(id);
    start = end;
  }
  return true;
}
