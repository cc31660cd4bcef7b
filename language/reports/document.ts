// Tokens to sentences, each with the section that it stands in and the place that its heading names.
//
// A line break ends a sentence only where the writer meant it to: text may be wrapped at a column, or be a list without full stops.

import { ANATOMY } from './lexicon/anatomy.js';
import { PICTURE_HEADING } from './lexicon/attributes.js';
import { HEADS } from './lexicon/lesions.js';
import { SECTIONS, type SectionKind } from './lexicon/sections.js';
import { isRegionOnly } from './regions.js';
import { type Token, tokenize } from './tokens.js';

/** A stretch of tokens as one line of lower-case words with single spaces, in which patterns are looked for. */
export interface Line {
  readonly tokens: readonly Token[];
  /** The tokens, joined by spaces. */
  readonly words: string;
  /** Where in `words` each token starts. */
  readonly starts: readonly number[];
}

export interface Sentence extends Line {
  readonly section: SectionKind;
  /** The heading with a place that holds here: "Sigmoid colon:". */
  readonly place: Line | null;
  /** The heading with a lesion that holds here: "Polyps:". */
  readonly list: Line | null;
  /** Numbers of the paragraph and of the line. */
  readonly paragraph: number;
  readonly row: number;
  /** Whether the sentence starts a line or an item of a list. */
  readonly first: boolean;
}

export function lineOf(tokens: readonly Token[]): Line {
  const starts: number[] = [];
  let at = 0;
  for (const { norm } of tokens) {
    starts.push(at);
    at += norm.length + 1;
  }
  return { tokens, words: tokens.map(({ norm }) => norm).join(' '), starts };
}

/** Numbers of the tokens that `[from, to)` of the line's words lies in. */
export function tokensAt({ starts }: Line, from: number, to: number): [first: number, last: number] {
  let first = 0;
  while (first + 1 < starts.length && starts[first + 1]! <= from) first++;
  let last = first;
  while (last + 1 < starts.length && starts[last + 1]! < to) last++;
  return [first, last];
}

interface Piece {
  readonly tokens: Token[];
  readonly first: boolean;
  readonly paragraph: number;
  readonly row: number;
}

const anatomy = ANATOMY.map(([pattern]) => pattern).join('|');
const PLACES_ONLY = new RegExp(
  `^(?:the |at |in |whole |distal |proximal |middle )*(?:${anatomy})(?:(?: and| to| or| ,| /|,| the| of| including| distal| proximal| middle)* (?:${anatomy}))*$`,
);
const heads = HEADS.filter(({ role }) => role !== 'generic').map(({ pattern }) => pattern);
const LESION = new RegExp(`\\b(?:${heads.join('|')})\\b`);

const PICTURE_ONLY = new RegExp(`^(?:${PICTURE_HEADING})$`);

const namesPlaceOnly = (words: string): boolean =>
  PLACES_ONLY.test(words) || isRegionOnly(words) || PICTURE_ONLY.test(words);

const sectionOf = (words: string): SectionKind | null =>
  SECTIONS.find(([, pattern]) => pattern.test(words))?.[0] ?? null;

/** Sentences in the order of the text; headings and marks of lists are no part of them. */
export function readDocument(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  const structured = /\n[ \t]*[A-Za-z][A-Za-z ,/&-]{2,40}:/.test(text);
  let section: SectionKind = 'findings';
  let sectionRow = -1;
  let inLine = false;
  let place: Line | null = null;
  let placeRow = -1;
  let list: Line | null = null;
  let paragraph = -1;
  /** Lines with more than a heading. */
  const rows = new Set<number>();
  for (const piece of split(text, tokenize(text))) {
    let { tokens } = piece;
    if (piece.paragraph !== paragraph) {
      paragraph = piece.paragraph;
      if (sectionRow !== piece.row - 1 || rows.has(sectionRow)) section = section === 'outside' ? 'findings' : section;
      place = null;
      list = null;
    }
    // an inline heading of what is outside holds for its own sentence; one at the start of a line for the line
    if (section === 'outside' && inLine) section = 'findings';
    if (section === 'attribute') section = 'findings';
    if (place && placeRow !== piece.row && rows.has(placeRow)) place = null;
    let named = false;
    for (let first = piece.first; ; first = false) {
      const heading = headingOf(tokens);
      if (!heading) break;
      const { label, rest, mark } = heading;
      const { words } = label;
      const kind = namesPlaceOnly(words) ? 'place' : mark || rest.length === 0 ? sectionOf(words) : null;
      if (kind === 'place') {
        place = label;
        placeRow = piece.row;
        if (section === 'outside' || section === 'attribute') section = 'findings';
      } else if (kind) {
        section = kind;
        sectionRow = piece.row;
        inLine = !(first && structured);
        if (kind !== 'attribute') place = null;
        if (kind !== 'attribute') list = null;
        if (kind === 'attribute') {
          named = true;
          tokens = rest;
          break;
        }
      } else if (LESION.test(words)) {
        const denied = /^(?:no|none|0|absent|not seen)$/.test(lineOf(rest).words.replace(/ \.$/, ''));
        if (rest.length <= 2 && !denied) list = label;
        break;
      } else if (mark === ':' && label.tokens.length <= 7) {
        place = null;
        // a picture's heading may say where it was taken
        if (/\b(?:image|picture|frame|photo|still)\b/.test(words))
          sentences.push({ ...label, section, place, list, paragraph, row: piece.row, first: true });
      } else break;
      named = true;
      tokens = rest;
      if (rest.length === 0) break;
    }
    if (tokens.length === 0) continue;
    const line = lineOf(tokens);
    rows.add(piece.row);
    sentences.push({ ...line, section, place, list, paragraph, row: piece.row, first: piece.first || named });
  }
  return sentences;
}

/** The tokens before the first colon or dash, if they may be a heading; the whole sentence, if it is nothing more. */
function headingOf(tokens: readonly Token[]): { label: Line; rest: Token[]; mark: string } | null {
  const at = tokens.findIndex(({ norm }) => norm === ':' || norm === '--' || norm === '|');
  const label = (end: number) => lineOf(tokens.slice(0, end));
  if (at > 0 && at <= 9) {
    const found = label(at);
    if (!/[.;]/.test(found.words)) return { label: found, rest: tokens.slice(at + 1), mark: tokens[at]!.norm };
  }
  const end = tokens.at(-1)?.norm === '.' ? tokens.length - 1 : tokens.length;
  if (end > 0 && end <= 6) return { label: label(end), rest: [], mark: '' };
  return null;
}

/** A text without any full stop ends sentences too: what patterns look at stays short. */
const LONGEST = 200;

/** Sentences as they are delimited, with their headings; without the marks of lists. */
function split(text: string, tokens: readonly Token[]): Piece[] {
  const pieces: Piece[] = [];
  const width = text.split(/\r\n|\r|\n/).reduce((most, line) => Math.max(most, line.length), 0);
  let open: Token[] = [];
  let first = true;
  let paragraph = 0;
  let row = 0;
  const close = () => {
    if (open.length > 0) pieces.push({ tokens: open, first, paragraph, row });
    open = [];
    first = false;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (i > 0 && token.breaks > 0 && endsAtBreak(text, tokens, i, width)) {
      close();
      first = true;
      row++;
      if (token.breaks === 2) paragraph++;
    }
    const marks = open.length > 0 ? 0 : first ? markOf(text, tokens, i) : token.norm === '.' ? 1 : 0;
    if (marks > 0) {
      i += marks - 1;
      continue;
    }
    open.push(token);
    if (/^[.!?]$/.test(token.norm) || open.length >= LONGEST) close();
  }
  close();
  return pieces;
}

/** How many tokens at the start of a line number an item or mark it: "3.", "(2)", "-", "•". */
function markOf(text: string, tokens: readonly Token[], i: number): number {
  const { norm, end } = tokens[i]!;
  if (/^(?:--|•|#|>|\+|\.|\|)$/.test(norm)) return 1;
  if (!/^(?:\d{1,2}|[a-h])$/.test(norm)) return 0;
  const next = tokens[i + 1];
  if (next?.norm === ')') return 2;
  if (next?.norm === '.') return 2;
  return /^[.)]/.test(text.slice(end, end + 1)) ? 1 : 0;
}

/** Whether the line before token `i` ends its sentence. */
function endsAtBreak(text: string, tokens: readonly Token[], i: number, width: number): boolean {
  const token = tokens[i]!;
  if (token.breaks === 2) return true;
  const before = tokens[i - 1]!;
  if (/^[.!?:]$/.test(before.norm) || markOf(text, tokens, i) > 0 || token.norm === '|') return true;
  if (text.slice(text.lastIndexOf('\n', before.start) + 1, before.end).includes('|')) return true;
  if (/^(?:,|and|or|of|in|at|the|a|an|with|to|from|is|was|were|are|by|for|no)$/.test(before.norm)) return false;
  const start = text.lastIndexOf('\n', before.start) + 1;
  const length = before.end - start;
  const next = text.slice(
    token.start,
    text.indexOf('\n', token.start) < 0 ? undefined : text.indexOf('\n', token.start),
  );
  const lower = /^[\p{Ll}\d(]/u.test(next);
  // a capital after a line that was filled up is a name that the wrapping put there
  const filled = width <= 100 && width >= 50 && length + (/^\S+/.exec(next)?.[0].length ?? 0) + 1 > width * 0.85;
  if (/^[A-Z][A-Za-z ,/&()-]{1,40}:/.test(next)) return true;
  return lower ? length < 45 && !filled : !filled;
}
