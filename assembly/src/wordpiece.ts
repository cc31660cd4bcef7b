// Hugging Face's BertTokenizer (uncased), on UTF-8: special tokens written in the text are taken out first; the rest is
// cleaned, Han characters and punctuation become words of their own, everything is folded (unicode.ts), and each word is
// cut greedily into the longest pieces that the vocabulary has, `##` before all but the first.
// Source: transformers, models/bert/tokenization_bert.py, BasicTokenizer and WordpieceTokenizer.

import { asciiClass, classOf, DROP, fold, isHan, MAX_FOLD, PLAIN, PUNCTUATION, prepareUnicode, SPACE } from './unicode';
import { find, hashByte, specialAt, specialId, startHash, Vocabulary } from './vocabulary';

/** A word of more characters is unknown as a whole. */
const MAX_CHARACTERS: u32 = 100;

/** UTF-8 of the word so far, MAX_CHARACTERS at most; `characters` counts on. */
const word = memory.data(100 * 4, 16);
let bytes: u32 = 0;
let characters: u32 = 0;
/** Of those bytes. */
let hash: u32 = 0;

/** Of the piece being looked for: where each of its characters ends, and the hash up to there. u32 [100] each. */
const ends = memory.data(100 * 4, 16);
const hashes = memory.data(100 * 4, 16);
/** i32 [100]: pieces of the word so far. */
const pieces = memory.data(100 * 4, 16);
/** u32 [MAX_FOLD]. */
const folded = memory.data(4 * 4, 16);

let out: usize = 0;
let count: i32 = 0;
let capacity: i32 = 0;

/**
 * Writes ids, i32 [at most `room`], without [CLS] and [SEP]. Returns how many there are, `room + 1` when there are more.
 * `text` is well-formed UTF-8.
 */
export function tokenise(v: Vocabulary, text: usize, length: usize, to: usize, room: i32): i32 {
  prepareUnicode();
  out = to;
  count = 0;
  capacity = room;
  startWord();
  const end = text + length;
  for (let at = text; at < end && count <= capacity; ) {
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
  return min(count, capacity + 1);
}

/** As `take`, for what most texts consist of. */
function takeAscii(v: Vocabulary, c: u32): void {
  const kind = asciiClass(c);
  if (kind == PLAIN) {
    // the one letter that the fold of ASCII changes is a capital
    if (characters++ < MAX_CHARACTERS) appendByte(c - 0x41 < 26 ? c + 32 : c);
  } else if (kind == SPACE) {
    endWord(v);
  } else if (kind == PUNCTUATION) {
    endWord(v);
    append(c);
    endWord(v);
  }
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
  hash = hashByte(hash, byte);
}

function emit(id: i32): void {
  if (count < capacity) store<i32>(out + ((<usize>count) << 2), id);
  ++count;
}

function startWord(): void {
  bytes = 0;
  characters = 0;
  hash = startHash(0);
}

/** Cuts the word into pieces and starts the next. */
function endWord(v: Vocabulary): void {
  if (!characters) return;
  if (characters > MAX_CHARACTERS) {
    emit(v.unk);
  } else {
    // most words are tokens
    const whole = find(v, word, bytes, hash, 0);
    if (whole >= 0) emit(whole);
    else emitPieces(v);
  }
  startWord();
}

function emitPieces(v: Vocabulary): void {
  const known = cut(v);
  if (known < 0) emit(v.unk);
  for (let i = 0; i < known; ++i) emit(load<i32>(pieces + ((<usize>i) << 2)));
}

/** Number of pieces written, -1 where some part of the word has none. */
function cut(v: Vocabulary): i32 {
  let n = 0;
  for (let start: u32 = 0; start < bytes; ) {
    const prefix: u32 = start ? 2 : 0;
    let candidates = measure(v, start, prefix);
    let id = -1;
    while (candidates-- > 0) {
      const at = (<usize>candidates) << 2;
      id = find(v, word + start, load<u32>(ends + at) - start, load<u32>(hashes + at), prefix);
      if (id >= 0) {
        start = load<u32>(ends + at);
        break;
      }
    }
    if (id < 0) return -1;
    store<i32>(pieces + ((<usize>n) << 2), id);
    ++n;
  }
  return n;
}

/** Fills `ends` and `hashes` with every piece from `start` that is no longer than the longest token; returns how many. */
function measure(v: Vocabulary, start: u32, prefix: u32): i32 {
  let sum = startHash(prefix);
  let n = 0;
  for (let at = start; at < bytes; ) {
    do sum = hashByte(sum, load<u8>(word + at++));
    while (at < bytes && (load<u8>(word + at) & 0xc0) == 0x80);
    if (at - start + prefix > v.longest) break;
    store<u32>(ends + ((<usize>n) << 2), at);
    store<u32>(hashes + ((<usize>n) << 2), sum);
    ++n;
  }
  return n;
}
