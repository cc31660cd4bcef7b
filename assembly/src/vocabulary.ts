// A WordPiece vocabulary: the file's bytes, where its tokens lie in them, and an open-addressing table from a token's
// bytes to its id (the line's number from 0). Built once; half full at most, so a miss ends after a probe or two.
//
// Bytes are hashed and compared eight at a time, the last ones under a mask: up to seven bytes after them are read too.

import { prepareUnicode } from './unicode';

/** Odd, its bits even: 2^64 over the golden ratio. */
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

@unmanaged
export class Vocabulary {
  /** u8 [bytes]: the file, which stays here. */
  text: usize;
  /** Tokens. */
  count: i32;
  /** u32 [count, 2]: where a token starts in `text`, and its length in bytes. */
  tokens: usize;
  /** u32 [mask + 1, 2]: id + 1, or 0 for a free slot; the hash's lower half, so that a miss reads nothing else. */
  slots: usize;
  mask: u32;
  /** A hash's upper bits, 64 - shift of them, are the slot where its token is looked for first. */
  shift: u64;
  /** Bytes of the longest token. */
  longest: i32;
  /** Line (from 0) that is empty, or that repeats an earlier one; -1 if none. */
  emptyLine: i32;
  repeatedLine: i32;
  /** Ids by name; -1 where the vocabulary has none. In the order of SPECIAL, one after another. */
  unk: i32;
  cls: i32;
  sep: i32;
  pad: i32;
  maskToken: i32;
}

/** Names of the special tokens, five or six bytes each. */
const SPECIAL = memory.data<u8>([
  0x5b, 0x55, 0x4e, 0x4b, 0x5d, 0, 0x5b, 0x43, 0x4c, 0x53, 0x5d, 0, 0x5b, 0x53, 0x45, 0x50, 0x5d, 0, 0x5b, 0x50, 0x41,
  0x44, 0x5d, 0, 0x5b, 0x4d, 0x41, 0x53, 0x4b, 0x5d, 0, 0,
]);
const SPECIALS: i32 = 5;

function specialLength(i: i32): u32 {
  return i == 4 ? 6 : 5;
}

/** Takes over `text`, a block of `bytes` bytes and seven more. Lines end with LF, CR or both, as Python's text files. */
export function createVocabulary(text: usize, bytes: usize): Vocabulary {
  // here, so that tokenising allocates nothing
  prepareUnicode();
  const v = changetype<Vocabulary>(heap.alloc(offsetof<Vocabulary>()));
  v.text = text;
  v.count = countLines(text, bytes);
  v.tokens = heap.alloc((<usize>v.count) << 3);
  let bits: u32 = 4;
  while ((<u32>1) << bits < <u32>v.count * 2) ++bits;
  v.mask = (1 << bits) - 1;
  v.shift = 64 - bits;
  v.slots = heap.alloc((<usize>8) << bits);
  memory.fill(v.slots, 0, (<usize>8) << bits);
  v.longest = 0;
  v.emptyLine = -1;
  v.repeatedLine = -1;
  let at = text;
  for (let id = 0; id < v.count; ++id) {
    const end = lineEnd(at, text + bytes);
    insert(v, id, at, <u32>(end - at));
    at = afterBreak(end, text + bytes);
  }
  for (let i = 0; i < SPECIALS; ++i) {
    const name = SPECIAL + i * 6;
    const id = find(v, name, specialLength(i), 0);
    store<i32>(changetype<usize>(v) + offsetof<Vocabulary>('unk') + ((<usize>i) << 2), id);
  }
  return v;
}

export function freeVocabulary(v: Vocabulary): void {
  heap.free(v.text);
  heap.free(v.tokens);
  heap.free(v.slots);
  heap.free(changetype<usize>(v));
}

function lineEnd(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != 10 && load<u8>(at) != 13) ++at;
  return at;
}

function afterBreak(at: usize, end: usize): usize {
  return at + 1 < end && load<u8>(at) == 13 && load<u8>(at, 1) == 10 ? at + 2 : at + 1;
}

function countLines(text: usize, bytes: usize): i32 {
  const end = text + bytes;
  let count = 0;
  for (let at = text; at < end; at = afterBreak(lineEnd(at, end), end)) ++count;
  return count;
}

function insert(v: Vocabulary, id: i32, start: usize, length: u32): void {
  store<u32>(tokenAt(v, id), <u32>(start - v.text));
  store<u32>(tokenAt(v, id), length, 4);
  if (!length && v.emptyLine < 0) v.emptyLine = id;
  v.longest = max(v.longest, <i32>length);
  const prefix: u32 = length > 2 && load<u16>(start) == HASHES ? 2 : 0;
  const hash = hashOf(start + prefix, length - prefix, prefix);
  let slot = <u32>(hash >> v.shift);
  for (; idIn(v, slot) >= 0; slot = (slot + 1) & v.mask)
    if (v.repeatedLine < 0 && equals(v, idIn(v, slot), start, length, 0)) v.repeatedLine = id;
  store<u32>(slotAt(v, slot), id + 1);
  store<u32>(slotAt(v, slot), <u32>hash, 4);
}

function tokenAt(v: Vocabulary, id: u32): usize {
  return v.tokens + ((<usize>id) << 3);
}

function slotAt(v: Vocabulary, slot: u32): usize {
  return v.slots + ((<usize>slot) << 3);
}

/** -1 where the slot is free. */
function idIn(v: Vocabulary, slot: u32): i32 {
  return load<i32>(slotAt(v, slot)) - 1;
}

/** `##`. */
const HASHES: u16 = 0x2323;

/**
 * The hash of `length` bytes; it differs with `prefix` and without. The upper half depends on all bits, and through it the
 * lower.
 */
function hashOf(at: usize, length: i32, prefix: u32): u64 {
  let hash = prefix * MULTIPLIER;
  for (; length > 0; length -= 8, at += 8) {
    const mask = length < 8 ? ((<u64>1) << (length << 3)) - 1 : -1;
    hash = (hash ^ (load<u64>(at) & mask)) * MULTIPLIER;
    hash ^= hash >> 32;
  }
  return hash;
}

/** Is token `id` the `length` bytes at `start`, with `##` before them where `prefix` is 2? */
function equals(v: Vocabulary, id: u32, start: usize, length: u32, prefix: u32): bool {
  if (load<u32>(tokenAt(v, id), 4) != length + prefix) return false;
  const token = v.text + load<u32>(tokenAt(v, id));
  if (prefix && load<u16>(token) != HASHES) return false;
  return same(token + prefix, start, length);
}

/** Are the `length` bytes at both, one at least, equal? */
function same(a: usize, b: usize, length: u32): bool {
  for (; length > 8; length -= 8, a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false;
  return !((load<u64>(a) ^ load<u64>(b)) << (64 - (length << 3)));
}

/** Id of the token of `length` bytes at `start`, one at least; -1 if none. `prefix` is 0, or 2 for a continuation. */
export function find(v: Vocabulary, start: usize, length: u32, prefix: u32): i32 {
  const hash = hashOf(start, length, prefix);
  let slot = <u32>(hash >> v.shift);
  let id = idIn(v, slot);
  while (id >= 0 && !(load<u32>(slotAt(v, slot), 4) == <u32>hash && equals(v, id, start, length, prefix))) {
    slot = (slot + 1) & v.mask;
    id = idIn(v, slot);
  }
  return id;
}

/** Which special token of the vocabulary stands literally at `at`: its index in SPECIAL, -1 if none. */
export function specialAt(v: Vocabulary, at: usize, end: usize): i32 {
  for (let i = 0; i < SPECIALS; ++i) {
    const length = specialLength(i);
    if (at + length <= end && same(SPECIAL + i * 6, at, length) && specialId(v, i) >= 0) return i;
  }
  return -1;
}

export function specialId(v: Vocabulary, i: i32): i32 {
  return load<i32>(changetype<usize>(v) + offsetof<Vocabulary>('unk') + ((<usize>i) << 2));
}

// What the host reads of it.
export function vocabularySize(v: Vocabulary): i32 {
  return v.count;
}
export function vocabularyEmptyLine(v: Vocabulary): i32 {
  return v.emptyLine;
}
export function vocabularyRepeatedLine(v: Vocabulary): i32 {
  return v.repeatedLine;
}
export function vocabularyTokenStart(v: Vocabulary, id: i32): usize {
  return v.text + load<u32>(tokenAt(v, id));
}
export function vocabularyTokenLength(v: Vocabulary, id: i32): u32 {
  return load<u32>(tokenAt(v, id), 4);
}
