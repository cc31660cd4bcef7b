// What the words around a mention make of it: denied, of another day, of elsewhere, doubted.
//
// After NegEx and ConText: a trigger reaches forwards or backwards to the end of its clause, and stops before at a word that begins
// something new ("no ulcer, but a polyp"; "no ulcer and a polyp"; "no ulcer was seen, one polyp …").

import { causeOf } from './causes.js';
import type { Line } from './document.js';
import { CLAUSE_END, type Effect, EXCEPT, TRIGGERS } from './lexicon/contexts.js';
import type { Mention } from './mentions.js';

export interface Status {
  /** Left out: there is none, or none of today's. */
  readonly dropped: boolean;
  readonly certain: boolean;
  /** The words that cast the doubt, in the words of the sentence. */
  readonly doubt: readonly [from: number, to: number] | null;
}

interface Found {
  readonly effect: Effect;
  readonly reach: 'after' | 'phrase' | 'before' | 'clause';
  readonly from: number;
  readonly to: number;
}

const triggers = TRIGGERS.map(({ effect, reach, pattern }) => ({
  effect,
  reach,
  pattern: new RegExp(`(?<![\\w])(?:${pattern})(?![\\w])`, 'g'),
}));

/** Triggers of a line; of those that overlap, the longest. */
export function findTriggers({ words }: Line): Found[] {
  const all: Found[] = triggers.flatMap(({ effect, reach, pattern }) =>
    [...words.matchAll(pattern)].map(({ index, 0: found }) => ({
      effect,
      reach,
      from: index,
      to: index + found.length,
    })),
  );
  const longest = [...all].sort((a, b) => b.to - b.from - (a.to - a.from));
  const kept: Found[] = [];
  for (const one of longest)
    if (
      kept.every(
        other => one.to <= other.from || one.from >= other.to || (one.from === other.from && one.to === other.to),
      )
    )
      kept.push(one);
  // "compared with the film of last week": the day of what it is compared with, not of the lesion
  const compared = [
    ...words.matchAll(/(?:compar\w+ (?:with|to)|in comparison (?:with|to)|as on|than on|new since|since)[^,;]*/g),
  ];
  const aside = ({ from, effect }: Found) =>
    effect === 'historical' && compared.some(({ index, 0: found }) => from > index && from < index + found.length);
  return kept.filter(one => !aside(one)).sort((a, b) => a.from - b.from);
}

const known = new WeakMap<Line, Found[]>();

/** As `findTriggers`, looked for once. */
function triggersOf(line: Line): Found[] {
  const found = known.get(line) ?? findTriggers(line);
  known.set(line, found);
  return found;
}

/** `[from, to)` of the clause that holds a place in the words. */
function clauseAt(words: string, at: number): [from: number, to: number] {
  let from = 0;
  for (const { index, 0: mark } of words.matchAll(CLAUSE_END)) {
    if (index >= at) return [from, index];
    from = index + (/^[;:]| -- /.test(mark) ? mark.length : 0);
  }
  return [from, words.length];
}

/** "The polyp noted at the last examination was found and removed": the day is that of the note. */
const isAside = (words: string, { from, to }: Found, done: Found | undefined): boolean =>
  done !== undefined &&
  done.from >= to &&
  /(?<!\b(?:is|are|was|were|been|be) )\b(?:noted|seen|described|reported|documented|mentioned|identified|detected|found|known) $/.test(
    words.slice(0, from),
  );

const endOfClause = (words: string, from: number): number => {
  const at = words.slice(from).search(/[;.]/);
  return at < 0 ? words.length : from + at - 1;
};

export function statusOf(mention: Mention, mentions: readonly Mention[]): Status {
  const { sentence } = mention;
  const found = triggersOf(sentence).filter(trigger => reaches(trigger, mention, mentions));
  const has = (effect: Effect) => found.some(trigger => trigger.effect === effect);
  const done = found.findLast(({ effect }) => effect === 'done');
  const dated = found.some(
    one => one.effect === 'historical' && one.reach !== 'phrase' && !isAside(sentence.words, one, done),
  );
  const current = has('current') || (done !== undefined && !dated);
  const [from] = clauseAt(sentence.words, mention.from);
  const cause = causeOf(sentence.words.slice(from, mention.start), sentence.words.slice(mention.to), mention.kind);
  const dropped =
    sentence.section === 'outside' ||
    has('negated') ||
    has('elsewhere') ||
    (has('historical') && !current) ||
    cause === 'innocent';
  const doubts = found.filter(({ effect }) => effect === 'uncertain');
  const [first] = doubts;
  const doubt = first
    ? ([first.from, first.to] as const)
    : cause === 'open'
      ? ([mention.to, endOfClause(sentence.words, mention.to)] as const)
      : null;
  return { dropped, certain: doubt === null, doubt };
}

function reaches(trigger: Found, mention: Mention, mentions: readonly Mention[]): boolean {
  const { words } = mention.sentence;
  const { reach, effect } = trigger;
  const [from, to] = clauseAt(words, reach === 'before' ? mention.to - 1 : mention.from);
  if (reach === 'clause') return trigger.from >= from && trigger.to <= to;
  if (reach === 'before') {
    const over = /look|mimic|similar|mistaken|same|simulat|appearance|picture|impression/.test(
      words.slice(trigger.from, trigger.to),
    );
    if (trigger.from < mention.to || (trigger.from >= to && !over)) return false;
    if (trigger.from >= to && effect === 'uncertain') return mentions.every(other => other.from <= mention.from);
    return reachesBack(words.slice(mention.to, trigger.from), effect, mention, mentions, trigger);
  }
  // inside the mention itself: "a possible small polyp"
  if (trigger.from < from || trigger.to > mention.to) return false;
  if (trigger.from >= mention.start) return trigger.to <= mention.from + 1 || trigger.from >= mention.from;
  const between = words.slice(trigger.to, mention.from);
  if (reach === 'phrase')
    return !/\b(?:in|on|at|from|with|is|are|was|were|has|have|,|;|and|examination|scan|film|study)\b|,/.test(between);
  return !isStopped(between, words.slice(mention.start, mention.from), mention);
}

const VERB =
  /\b(?:is|are|was|were|shows?|showed|has|have|lies|lay|remains?|contains?|appears?|demonstrates?|reveals?|revealed)\b/;

/** Whether something new begins between a trigger and the lesion. */
function isStopped(between: string, phrase: string, mention: Mention): boolean {
  if (EXCEPT.test(between) || /[;:(]|--/.test(between)) return true;
  if (VERB.test(between)) return true;
  if (
    /(?:,|\band) (?:and |with )?(?:an?|one|two|three|four|five|six|\d+|there|this|the|another|with|multiple|several|it|its|now)\b/.test(
      between,
    )
  )
    return true;
  if (/\bwith (?:an?|one|two|\d+)\b/.test(between)) return true;
  const comma = between.lastIndexOf(',');
  if (comma < 0) return false;
  // "no effusion, left basal consolidation": what has a place or a size of its own is no further member of the list
  const joined =
    /\b(?:or|nor)\b/.test(between.slice(comma)) || /^ ?(?:,| or)/.test(mention.sentence.words.slice(mention.to));
  const own = mention.attributes.some(
    ({ type, from }) => type !== 'many' && from > mention.start - 1 && from >= mention.from - phrase.length,
  );
  return own && !joined;
}

/** Whether a trigger behind a lesion means it: no verb and no other subject stands between. */
function reachesBack(
  between: string,
  effect: Effect,
  mention: Mention,
  mentions: readonly Mention[],
  trigger: Found,
): boolean {
  if (/[;]|--|\bbut\b/.test(between)) return false;
  if (effect === 'negated' && /\b(?:and|,) (?:no|not)\b/.test(between)) return false;
  const later = mentions.some(other => other.from > mention.from && other.from < trigger.from);
  if (later && !/^(?: ?,| ?and| ?or| ?\/)/.test(between)) return false;
  const verb = VERB.exec(between);
  if (verb && !/^(?:\s*(?:there|that|which|in|at|of|on)\b.*)?$/.test(between.slice(0, verb.index))) return false;
  if (verb && effect === 'negated') return false;
  // "polyp removed, ulcer not seen"
  if (effect === 'negated' && /, [a-z ]+$/.test(between) && !/\b(?:and|or)\b/.test(between))
    return /^ ?(?:in|at|of|on|,|\()/.test(between) && !/\b(?:removed|resected|mm|cm)\b/.test(between);
  return true;
}
