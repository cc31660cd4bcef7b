// Text to tokens: words, numbers and marks, each in one spelling, with its place in the text.

import { ABBREVIATIONS, CAPITALS, MENDABLE, SOUND, VARIANTS } from './lexicon/spelling.js';

export interface Token {
  /** Lower case, one spelling; an abbreviation gives several words. */
  readonly norm: string;
  /** `[start, end)` in UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
  /** Line breaks before the token: 0, 1, or 2 for an empty line. */
  readonly breaks: 0 | 1 | 2;
}

// In this order: durations (6/52 is six weeks), dates, slashed abbreviations, o'clock, numbers, words, marks.
const PATTERN =
  /\d+(?:-\d+)?\/(?:7|52|12)(?![\d/])|\d{1,4}[./-]\d{1,2}[./-]\d{2,4}|(?:i\/k\/w|w\/o|s\/p|h\/o|c\/o|c\/w|r\/o|f\/u|b\/l|w\/)|o['’]clock|\d+(?:[.·]\d+|,\d+(?![\d,]))?|D[12](?!\d)|\p{L}+(?:['’]\p{L}+|\(s\))?|\t|[^\s]/giu;

const DURATIONS: Readonly<Record<string, string>> = { '7': 'days', '52': 'weeks', '12': 'months' };

/** Words before a full stop that ends no sentence. */
const SHORT =
  /^(?:approx|aprox|ca|asc|desc|transv|sig|dr|vs|eg|ie|incl|max|min|diam|rt|lt|prev|poss|prob|bilat|resp|fig)$/i;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let last = 0;
  for (const match of text.matchAll(PATTERN)) {
    const [raw] = match;
    const start = match.index;
    const end = start + raw.length;
    const norm = normOf(raw, text, start, end);
    if (norm === '') continue;
    const lines = text.slice(last, start).split(/\r\n|\r|\n/);
    const breaks = lines.length > 2 ? 2 : lines.length === 2 ? 1 : 0;
    tokens.push({ norm, start, end, breaks });
    last = end;
  }
  return tokens;
}

/** The token in one spelling; empty where it is nothing of its own, as the hyphen of a compound. */
function normOf(raw: string, text: string, start: number, end: number): string {
  const before = text[start - 1] ?? ' ';
  const after = text[end] ?? ' ';
  if (/^\d/.test(raw)) return numberOf(raw);
  if (/^\p{L}/u.test(raw)) return wordOf(raw);
  if (/[-–—−]/.test(raw)) return dashOf(text, start, end);
  if (raw === '\t')
    return /\S[ \t]*$/.test(text.slice(Math.max(0, start - 8), start)) &&
      !/\n\s*$/.test(text.slice(Math.max(0, start - 8), start))
      ? '|'
      : '';
  if (raw === '.') return /\s/.test(after) && !SHORT.test(wordBefore(text, start)) ? '.' : '';
  if (raw === '?') return /[\s(]/.test(before) || /[\p{L}]/u.test(after) ? 'query' : '?';
  if (/["'’“”*_`]/.test(raw)) return raw === '*' && /\s/.test(after) ? '•' : '';
  return { '×': 'x', '≤': '<', '≥': '>', '[': '(', ']': ')', '·': '•', '∙': '•', '•': '•', '&': 'and' }[raw] ?? raw;
}

function numberOf(raw: string): string {
  const [amount, unit] = raw.split('/');
  if (unit !== undefined && DURATIONS[unit] && !raw.includes('.') && raw.split('/').length === 2)
    return `${amount} ${DURATIONS[unit]}`;
  if (/\d[./-]\d+[./-]\d/.test(raw)) return 'date';
  return raw.replace(/[,·]/, '.');
}

/** Between numbers it is a range, between words part of a compound, between spaces a mark of its own. */
function dashOf(text: string, start: number, end: number): string {
  const before = text.slice(Math.max(0, start - 3), start);
  const after = text.slice(end, end + 3);
  if (/\d\s*$/.test(before) && /^\s*\d/.test(after)) return 'to';
  if (/\S$/.test(before) && /^\S/.test(after)) return text.slice(start, end) === '-' ? '' : '--';
  return '--';
}

const wordBefore = (text: string, at: number): string => /\p{L}*$/u.exec(text.slice(Math.max(0, at - 12), at))![0];

function wordOf(raw: string): string {
  const exact = CAPITALS[raw];
  if (exact !== undefined) return exact;
  const word = raw
    .toLowerCase()
    .replace('’', "'")
    .replace(/'s$/, '')
    .replace(/\(s\)$/, 's');
  const known = ABBREVIATIONS[word] ?? VARIANTS[word];
  return known ?? VARIANTS[mend(word)] ?? mend(word);
}

const mendable = new Set(MENDABLE);
const sound = new Set(SOUND);

/** A word of the lexicon in place of one that is a slip away from it: one letter, or two in long words. */
function mend(word: string): string {
  if (word.length < 5 || mendable.has(word) || sound.has(word) || VARIANTS[word]) return word;
  const allowed = word.length >= 10 ? 2 : 1;
  const near = MENDABLE.filter(
    right => right[0] === word[0] && Math.abs(right.length - word.length) <= allowed && slips(word, right) <= allowed,
  );
  // the plural is no slip of the singular
  return near.find(right => right.endsWith('s') === word.endsWith('s')) ?? near[0] ?? word;
}

/** Letters left out, put in, changed, or swapped with the next one. */
function slips(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
