// Characters as BERT's uncased tokeniser sees them: their class, and what lower-casing, NFD and dropping combining marks
// make of them. Order does not matter here: each code point folds by itself, since every mark that NFD would reorder or
// that NFC would compose is dropped, except a handful of spacing marks (Mc) of musical notation and Hangul tones, whose
// mutual order is left as written.

import { CLASS_RUNS, CLASSES, FOLD_COUNT, FOLDS, SEQUENCE_COUNT, SEQUENCE_LENGTH, SEQUENCES } from './unicode-data';

export const PLAIN: i32 = 0;
export const DROP: i32 = 1;
export const SPACE: i32 = 2;
export const PUNCTUATION: i32 = 3;

/** Most code points that one folds to. */
export const MAX_FOLD: i32 = 4;

// Decoded tables, all sorted by code point, made at the first use.
/** u32 [CLASS_RUNS] each: first code point; (one past the last) * 4 + class. */
let runStarts: usize = 0;
let runEnds: usize = 0;
/** u32 [FOLD_COUNT] each. */
let foldFrom: usize = 0;
let foldTo: usize = 0;
/** u32 [SEQUENCE_COUNT], u32 [SEQUENCE_COUNT + 1] into `sequenceTo`, u32 [SEQUENCE_LENGTH]. */
let sequenceFrom: usize = 0;
let sequenceAt: usize = 0;
let sequenceTo: usize = 0;

/** Where `varint` reads next. */
let cursor: usize = 0;

function varint(): u32 {
  let value: u32 = 0;
  let shift: u32 = 0;
  let byte = <u32>load<u8>(cursor++);
  for (; byte > 127; byte = <u32>load<u8>(cursor++), shift += 7) value |= (byte & 127) << shift;
  return value | (byte << shift);
}

function zigzag(): i32 {
  const n = varint();
  return n & 1 ? -(<i32>(n >> 1)) - 1 : <i32>(n >> 1);
}

export function prepareUnicode(): void {
  if (runStarts) return;
  decodeFolds();
  decodeSequences();
  decodeClasses();
  for (let c: u32 = 0; c < 128; ++c) store<u8>(ascii + c, <u8>classOf(c));
}

/** u8 [128]: classes of ASCII. */
const ascii = memory.data(128, 16);

/** As `classOf`, for c below 128. */
export function asciiClass(c: u32): i32 {
  return load<u8>(ascii + c);
}

function decodeClasses(): void {
  const starts = heap.alloc(CLASS_RUNS << 2);
  runEnds = heap.alloc(CLASS_RUNS << 2);
  cursor = CLASSES;
  let c: u32 = 0;
  for (let i: usize = 0; i < (<usize>CLASS_RUNS) << 2; i += 4) {
    c += varint();
    store<u32>(starts + i, c);
    const run = varint();
    c += (run >> 2) + 1;
    store<u32>(runEnds + i, (c << 2) | (run & 3));
  }
  runStarts = starts;
}

function decodeFolds(): void {
  foldFrom = heap.alloc(FOLD_COUNT << 2);
  foldTo = heap.alloc(FOLD_COUNT << 2);
  cursor = FOLDS;
  let source: u32 = 0;
  let target: i32 = 0;
  for (let i = 0; i < FOLD_COUNT; ) {
    const head = varint();
    const kind = head & 7;
    const end = i + 1 + (head >> 3);
    source += varint();
    const list = kind == 6;
    const step = list ? 1 : kind / 3 + 1;
    const rise = list ? 0 : kind % 3;
    if (!list) target += zigzag();
    for (const first = i; i < end; ++i) {
      if (i > first) {
        source += step;
        target += rise;
      }
      if (list) target += zigzag();
      store<u32>(foldFrom + ((<usize>i) << 2), source);
      store<u32>(foldTo + ((<usize>i) << 2), target);
    }
  }
}

function decodeSequences(): void {
  sequenceFrom = heap.alloc(SEQUENCE_COUNT << 2);
  sequenceAt = heap.alloc((SEQUENCE_COUNT + 1) << 2);
  sequenceTo = heap.alloc(SEQUENCE_LENGTH << 2);
  cursor = SEQUENCES;
  let source: u32 = 0;
  let at: u32 = 0;
  for (let i: usize = 0; i < (<usize>SEQUENCE_COUNT) << 2; i += 4) {
    source += varint();
    store<u32>(sequenceFrom + i, source);
    store<u32>(sequenceAt + i, at);
    for (let n = varint(); n; --n, ++at) store<u32>(sequenceTo + ((<usize>at) << 2), source + zigzag());
    store<u32>(sequenceAt + i, at, 4);
  }
}

/** Last index of `keys` (u32 [count], sorted) whose key is at most `c`; -1 if none. */
function search(keys: usize, count: i32, c: u32): i32 {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(keys + ((<usize>middle) << 2)) <= c) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Class of a code point. */
export function classOf(c: u32): i32 {
  if (c - 0x61 < 26) return PLAIN;
  const i = search(runStarts, CLASS_RUNS, c);
  if (i < 0) return PLAIN;
  const run = load<u32>(runEnds + ((<usize>i) << 2));
  return c < run >> 2 ? <i32>(run & 3) : PLAIN;
}

/** The blocks that BERT splits into single characters, by its own list: Han, not kana or Hangul. */
export function isHan(c: u32): bool {
  if (c < 0x3400) return false;
  return (
    c - 0x4e00 <= 0x9fff - 0x4e00 ||
    c - 0x3400 <= 0x4dbf - 0x3400 ||
    c - 0x20000 <= 0x2a6df - 0x20000 ||
    c - 0x2a700 <= 0x2b73f - 0x2a700 ||
    c - 0x2b740 <= 0x2b81f - 0x2b740 ||
    c - 0x2b820 <= 0x2ceaf - 0x2b820 ||
    c - 0xf900 <= 0xfaff - 0xf900 ||
    c - 0x2f800 <= 0x2fa1f - 0x2f800
  );
}

/** Writes what `c` folds to, u32 [at most MAX_FOLD], and returns how many. `c` is not of class DROP. */
export function fold(c: u32, out: usize): i32 {
  if (c < 0x80) {
    store<u32>(out, c - 0x41 < 26 ? c + 32 : c);
    return 1;
  }
  if (c - 0xac00 < 11172) return foldHangul(c - 0xac00, out);
  let i = search(foldFrom, FOLD_COUNT, c);
  if (i >= 0 && load<u32>(foldFrom + ((<usize>i) << 2)) == c) {
    store<u32>(out, load<u32>(foldTo + ((<usize>i) << 2)));
    return 1;
  }
  i = search(sequenceFrom, SEQUENCE_COUNT, c);
  if (i >= 0 && load<u32>(sequenceFrom + ((<usize>i) << 2)) == c) {
    const at = sequenceAt + ((<usize>i) << 2);
    const length = load<u32>(at, 4) - load<u32>(at);
    memory.copy(out, sequenceTo + ((<usize>load<u32>(at)) << 2), (<usize>length) << 2);
    return <i32>length;
  }
  store<u32>(out, c);
  return 1;
}

/** Unicode Standard, section 3.12: leading consonant, vowel, and a trailing consonant unless it is number 0. */
function foldHangul(syllable: u32, out: usize): i32 {
  const trailing = syllable % 28;
  store<u32>(out, 0x1100 + syllable / 588);
  store<u32>(out, 0x1161 + (syllable % 588) / 28, 4);
  if (!trailing) return 2;
  store<u32>(out, 0x11a7 + trailing, 8);
  return 3;
}
