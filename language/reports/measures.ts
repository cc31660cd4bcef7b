// Diameters in millimetres: "8 mm", "1.2 cm", "2 to 5 mm", "35 x 28 mm", "between three and seven mm", "half a cm".

import type { Line } from './document.js';
import { NUMBERS } from './lexicon/attributes.js';

export interface Measure {
  /** The largest of what is said, in millimetres. */
  readonly mm: number;
  /** False for a distance, or for the value of another day. */
  readonly diameter: boolean;
  readonly from: number;
  readonly to: number;
}

const UNIT: Readonly<Record<string, number>> = { mm: 1, cm: 10 };
/** Numbers of one list. */
const MOST = 12;
const JOIN = /^(?:x|by|to|and|or|,|\/|up|\+)$/;

/** After a length, these make it a distance: "5 cm from the anal verge". */
const DISTANCE_AFTER =
  /^ ?(?:\)? ?)(?:from|above|below|proximal|distal|deep|beyond|away|short axis|ab ano|of (?:ileum|terminal|insertion|the ileum)|inside|past|before the|margins?|free|apart|insertion|per|h|in depth|thick|short)/;
/** Before a length, these make it a depth of the instrument or another day's value. */
const DISTANCE_BEFORE =
  /(?:^|[^\w])(?:(?<!measured |estimated |sized |assessed |it |put |given )at|to|reached|insertion|inserted|within|for|further|every|last|first|over a distance of)(?: about| around| approximately| a distance of)* $/;
const NOW = /\b(?:now|currently|today|at present)(?: measur\w+)?(?: only| just| about| of| at)* $/;
const LAST_TIME =
  /\b(?:previously|formerly|earlier|before|last time|originally|initially)(?: about| an?| measured| measuring| at| of)* $/;
const OLD_BEFORE =
  /\b(?:was|prior|then|compared (?:with|to)|from|against)(?: about| an?| measured| measuring| recorded as| given as| stated as| at| of| the| reported)* $/;
const OLD_AFTER =
  /^ ?(?:previously|before|earlier|formerly|then|last time|last year|on the (?:prior|previous|earlier|last)|in 20\d\d|in 19\d\d|at the (?:last|previous|earlier)|on \w+ prior|\w+ (?:months?|weeks?|years?|days?) (?:ago|before|earlier))/;

export function findMeasures(line: Line): Measure[] {
  const { tokens, starts, words } = line;
  let found: Measure[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const read = readMeasure(
      tokens.map(({ norm }) => norm),
      i,
    );
    if (!read) continue;
    const from = starts[i]!;
    const last = read.next - 1;
    const to = starts[last]! + tokens[last]!.norm.length;
    const before = words.slice(0, from);
    const after = words.slice(to);
    i = last;
    const diameter = !DISTANCE_AFTER.test(after) && !isDepth(before, after) && !isOld(before, after, words);
    // "the 3 cm opacity, now 2 cm": the older one counts no more
    if (NOW.test(before)) found = found.map(one => ({ ...one, diameter: false }));
    found.push({ mm: read.mm, diameter, from, to });
  }
  return found;
}

const isDepth = (before: string, after: string): boolean =>
  DISTANCE_BEFORE.test(before) &&
  !/(?:down|up|size|grown|shrunk|reduced|increased|decreased|larger|smaller|now) to $/.test(before) &&
  !/^ (?:in (?:size|diameter)|across|polyp)/.test(after);

/** A value of another day, where today's stands beside it. */
function isOld(before: string, after: string, words: string): boolean {
  if (/\b(?:not|instead of|rather than|and not)(?: the)? $/.test(before)) return true;
  const changed =
    /\b(?:now|currently|today|at present|grown|increased|decreased|reduced|shrunk|larger|smaller|should read)\b/.test(
      words,
    );
  return LAST_TIME.test(before) || (changed && OLD_BEFORE.test(before)) || OLD_AFTER.test(after);
}

/** "3 x 2 to 3 mm polyps" and "1 x 4 mm" count lesions; "35 x 28 mm" measures one. */
function isCounted(norms: readonly string[], i: number): boolean {
  const rest = norms.slice(i + 2, i + 10).join(' ');
  return (
    norms[i] === '1' ||
    /^[\d.]+ to [\d.]+ (?:mm|cm)/.test(rest) ||
    /^[\d.]+ (?:mm|cm) (?:[a-z]+ ){0,3}(?:polyps|adenomas|lesions)/.test(rest)
  );
}

/** The length that starts at token `i`, and the token after it. */
function readMeasure(norms: readonly string[], i: number): { mm: number; next: number } | null {
  if (norms[i + 1] === 'x' && isCounted(norms, i)) return null;
  const half = /^half$/.test(norms[i]!) && /^an?$/.test(norms[i + 1] ?? '') && UNIT[norms[i + 2] ?? ''];
  if (half) return { mm: half / 2, next: i + 3 };
  if (/^an?$/.test(norms[i]!) && UNIT[norms[i + 1] ?? '']) return { mm: UNIT[norms[i + 1]!]!, next: i + 2 };
  const amounts: { value: number; unit: number | null }[] = [];
  let next = i;
  let end = -1;
  while (amounts.length < MOST) {
    const value = amountOf(norms, next);
    if (!value) break;
    next = value.next;
    const unit = UNIT[norms[next] ?? ''] ?? null;
    if (unit) next++;
    amounts.push({ value: value.value, unit });
    if (unit) end = next;
    let joined = next;
    while (JOIN.test(norms[joined] ?? '') && joined < next + 2) joined++;
    // "2 , 4 mm": words before digits count lesions
    if (joined === next || !amountOf(norms, joined)) break;
    // "1.5 cm, 10 cm from the anal verge": two lengths
    if (unit && norms[next] === ',') break;
    if (!unit && norms[next] === ',' && /^[a-z]/.test(norms[next - 1]!) && /^\d/.test(norms[joined]!)) return null;
    next = joined;
  }
  if (end < 0) return null;
  // what lacks a unit has that of the next one
  let unit = 1;
  let largest = 0;
  const until = amounts.findLastIndex(amount => amount.unit !== null);
  for (let k = until; k >= 0; k--) {
    unit = amounts[k]!.unit ?? unit;
    largest = Math.max(largest, amounts[k]!.value * unit);
  }
  return { mm: Math.round(largest * 1000) / 1000, next: end };
}

function amountOf(norms: readonly string[], i: number): { value: number; next: number } | null {
  const word = norms[i] ?? '';
  const value = /^\d+(?:\.\d+)?$/.test(word) ? Number(word) : NUMBERS[word];
  if (value === undefined || value > 500) return null;
  if (norms[i + 1] === 'and' && /^an?$/.test(norms[i + 2] ?? '') && norms[i + 3] === 'half')
    return { value: value + 0.5, next: i + 4 };
  const tens = value % 10 === 0 && value >= 20 && !/^\d/.test(word) ? NUMBERS[norms[i + 1] ?? ''] : undefined;
  if (tens !== undefined && tens < 10) return { value: value + tens, next: i + 2 };
  if (norms[i + 1] === 'point' && NUMBERS[norms[i + 2] ?? ''] !== undefined)
    return { value: value + NUMBERS[norms[i + 2]!]! / 10, next: i + 3 };
  return { value, next: i + 1 };
}
