// Hugging Face's BertTokenizer (uncased), on UTF-8: special tokens written in the text are taken out first; the rest is
// cleaned, Han characters and punctuation become words of their own, everything is folded (unicode.ts), and each word is
// cut greedily into the longest pieces that the vocabulary has, `##` before all but the first.
// Source: transformers, models/bert/tokenization_bert.py, BasicTokenizer and WordpieceTokenizer.

import { classOf, DROP, fold, isHan, MAX_FOLD, PUNCTUATION, prepareUnicode, SPACE } from './unicode';
import { find, hashByte, specialAt, specialId, startHash, Vocabulary } from './vocabulary';

/** A word of more characters is unknown as a whole. */
const MAX_CHARACTERS: u32 = 100;

/** UTF-8 of the word so far, MAX_CHARACTERS at most; `characters` counts on. */
const word = memory.data(100 * 4, 16);
let bytes: u32 = 0;
let characters: u32 = 0;

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
  bytes = 0;
  characters = 0;
  const end = text + length;
  for (let at = text; at < end && count <= capacity; ) {
    const lead = <u32>load<u8>(at);
    if (lead == 0x5b) {
      const special = specialAt(v, at, end);
      if (special >= 0) {
        endWord(v);
        emit(specialId(v, special));
        at += special == 4 ? 6 : 5;
        continue;
      }
    }
    const size: usize = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    take(v, decode(at, lead, size));
    at += size;
  }
  endWord(v);
  return min(count, capacity + 1);
}

/** Code point of the `size` bytes at `at`. */
function decode(at: usize, lead: u32, size: usize): u32 {
  if (size == 1) return lead;
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
  const at = word + bytes;
  if (c < 0x80) {
    store<u8>(at, <u8>c);
    bytes += 1;
  } else if (c < 0x800) {
    store<u8>(at, <u8>(0xc0 | (c >> 6)));
    store<u8>(at, <u8>(0x80 | (c & 63)), 1);
    bytes += 2;
  } else if (c < 0x10000) {
    store<u8>(at, <u8>(0xe0 | (c >> 12)));
    store<u8>(at, <u8>(0x80 | ((c >> 6) & 63)), 1);
    store<u8>(at, <u8>(0x80 | (c & 63)), 2);
    bytes += 3;
  } else {
    store<u8>(at, <u8>(0xf0 | (c >> 18)));
    store<u8>(at, <u8>(0x80 | ((c >> 12) & 63)), 1);
    store<u8>(at, <u8>(0x80 | ((c >> 6) & 63)), 2);
    store<u8>(at, <u8>(0x80 | (c & 63)), 3);
    bytes += 4;
  }
}

function emit(id: i32): void {
  if (count < capacity) store<i32>(out + ((<usize>count) << 2), id);
  ++count;
}

/** Cuts the word into pieces and starts the next. */
function endWord(v: Vocabulary): void {
  if (!characters) return;
  const known = characters <= MAX_CHARACTERS ? cut(v) : -1;
  if (known < 0) emit(v.unk);
  for (let i = 0; i < known; ++i) emit(load<i32>(pieces + ((<usize>i) << 2)));
  bytes = 0;
  characters = 0;
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
  let hash = startHash(prefix);
  let n = 0;
  for (let at = start; at < bytes; ) {
    do hash = hashByte(hash, load<u8>(word + at++));
    while (at < bytes && (load<u8>(word + at) & 0xc0) == 0x80);
    if (at - start + prefix > v.longest) break;
    store<u32>(ends + ((<usize>n) << 2), at);
    store<u32>(hashes + ((<usize>n) << 2), hash);
    ++n;
  }
  return n;
}
