// A WordPiece vocabulary: the file's bytes, where its tokens lie in them, and an open-addressing table from a token's
// bytes to its id (the line's number from 0). Built once; half full at most, so a miss ends after a probe or two.

/** FNV-1a, 32 bits. */
const BASIS: u32 = 0x811c9dc5;
const PRIME: u32 = 0x01000193;

@unmanaged
export class Vocabulary {
  /** u8 [bytes]: the file, which stays here. */
  text: usize;
  /** Tokens. */
  count: i32;
  /** u32 [count] each: where a token starts in `text`, and its length in bytes. */
  starts: usize;
  lengths: usize;
  /** u32 [mask + 1]: id + 1, or 0 for a free slot. */
  slots: usize;
  mask: u32;
  /** Bytes of the longest token. */
  longest: u32;
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
  0x44, 0x5d, 0, 0x5b, 0x4d, 0x41, 0x53, 0x4b, 0x5d,
]);
const SPECIALS: i32 = 5;

function specialLength(i: i32): usize {
  return i == 4 ? 6 : 5;
}

/** Takes over `text`, a block of `bytes` bytes. Lines end with LF, CR or both, as Python's text files. */
export function createVocabulary(text: usize, bytes: usize): Vocabulary {
  const v = changetype<Vocabulary>(heap.alloc(offsetof<Vocabulary>()));
  v.text = text;
  v.count = countLines(text, bytes);
  v.starts = heap.alloc((<usize>v.count) << 2);
  v.lengths = heap.alloc((<usize>v.count) << 2);
  let capacity: u32 = 16;
  while (capacity < <u32>v.count * 2) capacity <<= 1;
  v.mask = capacity - 1;
  v.slots = heap.alloc((<usize>capacity) << 2);
  memory.fill(v.slots, 0, (<usize>capacity) << 2);
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
    const id = find(v, name, <u32>specialLength(i), hashBytes(BASIS, name, specialLength(i)), 0);
    store<i32>(changetype<usize>(v) + offsetof<Vocabulary>('unk') + ((<usize>i) << 2), id);
  }
  return v;
}

export function freeVocabulary(v: Vocabulary): void {
  heap.free(v.text);
  heap.free(v.starts);
  heap.free(v.lengths);
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
  store<u32>(v.starts + ((<usize>id) << 2), <u32>(start - v.text));
  store<u32>(v.lengths + ((<usize>id) << 2), length);
  if (!length && v.emptyLine < 0) v.emptyLine = id;
  v.longest = max(v.longest, length);
  let slot = hashBytes(BASIS, start, length) & v.mask;
  for (; load<u32>(v.slots + ((<usize>slot) << 2)); slot = (slot + 1) & v.mask) {
    const other = load<u32>(v.slots + ((<usize>slot) << 2)) - 1;
    if (v.repeatedLine < 0 && equals(v, other, start, length, 0)) v.repeatedLine = id;
  }
  store<u32>(v.slots + ((<usize>slot) << 2), id + 1);
}

export function hashByte(hash: u32, byte: u32): u32 {
  return (hash ^ byte) * PRIME;
}

function hashBytes(hash: u32, at: usize, length: usize): u32 {
  for (let i: usize = 0; i < length; ++i) hash = hashByte(hash, load<u8>(at + i));
  return hash;
}

/** The hash to go on from: of nothing, or of the `##` that continues a word. */
export function startHash(prefix: u32): u32 {
  return prefix ? hashByte(hashByte(BASIS, 0x23), 0x23) : BASIS;
}

/** Is token `id` the `length` bytes at `start`, with `##` before them where `prefix` is 2? */
function equals(v: Vocabulary, id: u32, start: usize, length: u32, prefix: u32): bool {
  if (load<u32>(v.lengths + ((<usize>id) << 2)) != length + prefix) return false;
  const token = v.text + load<u32>(v.starts + ((<usize>id) << 2));
  if (prefix && load<u16>(token) != 0x2323) return false;
  return memory.compare(token + prefix, start, length) == 0;
}

/** Id of the token, -1 if none. `prefix` is 0, or 2 for a continuation; `hash` is that of all its bytes. */
export function find(v: Vocabulary, start: usize, length: u32, hash: u32, prefix: u32): i32 {
  let slot = hash & v.mask;
  let entry = load<u32>(v.slots + ((<usize>slot) << 2));
  while (entry && !equals(v, entry - 1, start, length, prefix)) {
    slot = (slot + 1) & v.mask;
    entry = load<u32>(v.slots + ((<usize>slot) << 2));
  }
  return <i32>entry - 1;
}

/** Which special token of the vocabulary stands literally at `at`: its index in SPECIAL, -1 if none. */
export function specialAt(v: Vocabulary, at: usize, end: usize): i32 {
  for (let i = 0; i < SPECIALS; ++i) {
    const length = specialLength(i);
    if (at + length <= end && memory.compare(SPECIAL + i * 6, at, length) == 0 && specialId(v, i) >= 0) return i;
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
  return v.text + load<u32>(v.starts + ((<usize>id) << 2));
}
export function vocabularyTokenLength(v: Vocabulary, id: i32): u32 {
  return load<u32>(v.lengths + ((<usize>id) << 2));
}
