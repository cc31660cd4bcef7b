// Writes assembly/src/unicode-data.ts from the character data of the JavaScript engine that runs this: classes of code
// points and what lower-casing, NFD and the removal of accents make of them. Run by hand, with a new engine:
//
//   node tools/make-unicode.mjs
//
// The result is committed, so that every build gives the same module and tokenises alike, whatever Node compiles it.

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const LAST = 0x10ffff;
/** Room for a fold in `assembly/src/unicode.ts`. */
const MAX_FOLD = 4;
export const PLAIN = 0;
export const DROP = 1;
export const SPACE = 2;
export const PUNCTUATION = 3;

const isSurrogate = c => c >= 0xd800 && c <= 0xdfff;
const codePoints = text => Array.from(text, c => c.codePointAt(0));

/**
 * As BERT's tokeniser sees a code point: control, format, private, unassigned and U+FFFD are dropped, and so are combining
 * marks (Mn); tab and line breaks are spaces; all of ASCII that is neither letter nor digit is punctuation, `$` too.
 */
export function classify(c) {
  if (isSurrogate(c) || c === 0xfffd) return DROP;
  if (c === 9 || c === 10 || c === 13) return SPACE;
  const text = String.fromCodePoint(c);
  if (/[\p{C}\p{Mn}]/u.test(text)) return DROP;
  if (/[\p{Zs}\p{Zl}\p{Zp}]/u.test(text)) return SPACE;
  if (/[!-/:-@[-`{-~]|\p{P}/u.test(text)) return PUNCTUATION;
  return PLAIN;
}

/** Lower case, decomposed, without combining marks. Hangul syllables are left to arithmetic. */
export function fold(c) {
  if (isSurrogate(c) || isHangul(c)) return [c];
  const text = String.fromCodePoint(c)
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '');
  return codePoints(text);
}

const isHangul = c => c >= 0xac00 && c <= 0xd7a3;

/** LEB128. */
function varint(n, out) {
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  out.push(n);
}
const zigzag = n => (n >= 0 ? 2 * n : -2 * n - 1);

/** Runs of one class that is not PLAIN: varint gap since the last run's end, varint (length - 1) * 4 + class. */
function encodeClasses() {
  const out = [];
  let count = 0;
  let end = 0;
  for (let c = 0; c <= LAST; ) {
    const kind = classify(c);
    let next = c + 1;
    while (next <= LAST && classify(next) === kind) next++;
    if (kind !== PLAIN) {
      varint(c - end, out);
      varint((next - c - 1) * 4 + kind, out);
      end = next;
      count++;
    }
    c = next;
  }
  return { bytes: out, count };
}

/** How far `entries[i]` goes on with constant steps of source and target. */
function progression(entries, i) {
  const [from, to] = entries[i];
  const next = entries[i + 1];
  if (!next) return { length: 1, step: 1, rise: 0 };
  const step = next[0] - from;
  const rise = next[1] - to;
  if (step < 1 || step > 2 || rise < 0 || rise > 2) return { length: 1, step: 1, rise: 0 };
  let length = 2;
  while (
    i + length < entries.length &&
    entries[i + length][0] === from + step * length &&
    entries[i + length][1] === to + rise * length
  )
    length++;
  return { length, step, rise };
}

/**
 * Code points that fold to one other: runs of `varint (length - 1) * 8 + kind`, varint gap since the last source, then
 * zigzag varint deltas of targets. Kinds 0..5 are progressions, (step - 1) * 3 + rise, with one target; kind 6 is a list
 * for consecutive sources.
 */
function encodeFolds(entries) {
  const out = [];
  let source = 0;
  let target = 0;
  const head = (length, kind, from) => {
    varint((length - 1) * 8 + kind, out);
    varint(from - source, out);
  };
  const put = to => {
    varint(zigzag(to - target), out);
    target = to;
  };
  for (let i = 0; i < entries.length; ) {
    const { length, step, rise } = progression(entries, i);
    if (length >= 3) {
      head(length, (step - 1) * 3 + rise, entries[i][0]);
      put(entries[i][1]);
      target += rise * (length - 1);
      source = entries[i + length - 1][0];
      i += length;
      continue;
    }
    let end = i + 1;
    while (end < entries.length && entries[end][0] === entries[end - 1][0] + 1 && progression(entries, end).length < 3)
      end++;
    head(end - i, 6, entries[i][0]);
    for (let k = i; k < end; k++) put(entries[k][1]);
    source = entries[end - 1][0];
    i = end;
  }
  return out;
}

/** Code points that fold to several: varint gap, varint length, zigzag varint deltas from the source. */
function encodeSequences(entries) {
  const out = [];
  let source = 0;
  for (const [from, to] of entries) {
    varint(from - source, out);
    varint(to.length, out);
    for (const c of to) varint(zigzag(c - from), out);
    source = from;
  }
  return out;
}

function collect() {
  const single = [];
  const several = [];
  for (let c = 0; c <= LAST; c++) {
    const kind = classify(c);
    // Dropped before anything is folded.
    if (kind === DROP) continue;
    const to = fold(c);
    if (kind === SPACE || (to.length === 1 && to[0] === c)) continue;
    // What the tokeniser relies on: a fold is never empty, dropped or a space, nor longer than the source's UTF-8.
    const sound = to.length > 0 && to.every(d => classify(d) !== DROP && classify(d) !== SPACE);
    const short = to.length <= Buffer.byteLength(String.fromCodePoint(c)) && to.length <= MAX_FOLD;
    if (!sound || !short)
      throw new Error(`make-unicode: U+${c.toString(16)} folds to ${to.join(' ')}; the module must change`);
    if (to.length === 1) single.push([c, to[0]]);
    else several.push([c, to]);
  }
  return { single, several };
}

function array(name, comment, bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push(`  ${bytes.slice(i, i + 32).join(', ')},`);
  return `/** ${comment} */\n// biome-ignore format: a table\nexport const ${name} = memory.data<u8>([\n${lines.join('\n')}\n]);\n`;
}

async function main() {
  const classes = encodeClasses();
  const { single, several } = collect();
  const text = `// Written by tools/make-unicode.mjs from Unicode ${process.versions.unicode}; the encodings are described there.

${array('CLASSES', 'Classes of code points, in runs.', classes.bytes)}
export const CLASS_RUNS: i32 = ${classes.count};

${array('FOLDS', 'Code points that fold to one other.', encodeFolds(single))}
export const FOLD_COUNT: i32 = ${single.length};

${array('SEQUENCES', 'Code points that fold to several.', encodeSequences(several))}
export const SEQUENCE_COUNT: i32 = ${several.length};
/** Code points of all sequences together. */
export const SEQUENCE_LENGTH: i32 = ${several.reduce((n, [, to]) => n + to.length, 0)};
`;
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  await writeFile(join(root, 'assembly', 'src', 'unicode-data.ts'), text);
  const bytes = classes.bytes.length + encodeFolds(single).length + encodeSequences(several).length;
  console.log(
    `Unicode ${process.versions.unicode}: ${classes.count} runs, ${single.length} + ${several.length} folds, ${bytes} bytes`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
