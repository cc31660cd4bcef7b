// What a report says that a lesion is: something innocent, perhaps something innocent, or none after all.

import { ANAPHOR, CAUSE, RECANT } from './lexicon/contexts.js';
import { INFECTIVE, INNOCENT } from './lexicon/lesions.js';
import type { FindingKind } from './types.js';

interface Patterns {
  /** "… or a fold", after a lesion. */
  readonly choice: RegExp;
  /** "A fold or …", before one. */
  readonly choiceBefore: RegExp;
  readonly firm: RegExp;
  readonly open: RegExp;
  /** "…: lipoma." */
  readonly declared: RegExp;
  /** "It proved to be a fold." */
  readonly proved: RegExp;
  /** The same, and "it is a fold". */
  readonly is: RegExp;
}

const ANY = '(?:[^\\s]+ ){0,4}?';
const HEDGED = '(?<!(?:may|might|could|can|possibly|perhaps)(?: be| well be| also be)? )';
const PROVED =
  '(?:proved|turned out|shown|found|confirmed|considered|judged|felt|thought|recognised|revealed|seen)(?: \\w+)? (?:to be|as)';
const STRESS =
  '(?:in fact |actually |only |just |merely |simply |therefore |really |clearly |then |no more than |nothing but )*(?:an? |the )?';

function patternsOf(kind: FindingKind): Patterns {
  const innocent = INNOCENT[kind];
  const told = (link: string) =>
    new RegExp(`^(?:[\\w, ]{0,80}?)(?<!\\w)(?:${link}) ${STRESS}(?:\\w+ ){0,3}?${innocent}(?!\\w)`);
  return {
    choice: new RegExp(`^(?:[^;]*?)\\b(?:or|versus|\\/|and/or|query) (?:${ANY})${innocent}(?!\\w)`),
    choiceBefore: new RegExp(
      `(?<!\\w)${innocent}(?: \\w+)? (?:or|versus|\\/) (?:an? |early |possible |small |mild )*$`,
    ),
    firm: new RegExp(`(?<!\\w)${HEDGED}${CAUSE.firm} (?:${ANY})${innocent}(?!\\w)`),
    open: new RegExp(`(?<!\\w)${CAUSE.open} (?:${ANY})${innocent}(?!\\w)`),
    declared: new RegExp(`: (?:an? |the )?(?:\\w+ )?${innocent}(?: [.;]|$)`),
    proved: told(PROVED),
    is: told(`${PROVED}|(?:is|are|was|were)`),
  };
}

const patterns: Readonly<Record<FindingKind, Patterns>> = {
  polyp: patternsOf('polyp'),
  infection: patternsOf('infection'),
};
const infective = new RegExp(`(?<!\\w)(?<!\\b(?:than|not|no|without|less likely)(?: \\w+)? )${INFECTIVE}(?!\\w)`);
const DENIED = /\b(?:not|less likely|unlikely|rather than|no)\b/;

/** What the words around a lesion say that it is: `before` in its clause, `after` in its sentence. */
export function causeOf(before: string, after: string, kind: FindingKind): 'innocent' | 'open' | null {
  const [said] = after.split(/;| but | however | although | though /, 1) as [string];
  const { choice, choiceBefore } = patterns[kind];
  const chosen = choice.exec(said);
  if ((chosen && isChoice(chosen[0], kind)) || choiceBefore.test(before)) return 'open';
  return washesAway(after) || patterns[kind].declared.test(after) ? 'innocent' : causeIn(said, kind);
}

/** What the words after a lesion, or after the pronoun for it, say that it is. */
export function causeIn(after: string, kind: FindingKind): 'innocent' | 'open' | null {
  const firm = patterns[kind].firm.exec(after);
  const open = patterns[kind].open.exec(after);
  if (firm && !DENIED.test(firm[0]) && beginsCause(after.slice(0, firm.index), kind)) {
    if (kind === 'polyp' || !infective.test(after)) return 'innocent';
    return open ? 'open' : null;
  }
  if (open && !DENIED.test(open[0]) && !/^(?:or|\/)/.test(open[0])) return 'open';
  return null;
}

/** "Polyp or fold" is a choice; "a polyp on a fold or in the sigmoid" is none. */
function isChoice(said: string, kind: FindingKind): boolean {
  if (/\b(?:no|not|without|less likely|unlikely)\b/.test(said)) return false;
  return kind === 'infection'
    ? !/\b(?:clear|spared)\b/.test(said)
    : !/\b(?:behind|on|over|beside|at|in|removed|with)\b/.test(said);
}

/** The lesion is the subject of the cause: nothing else was named in between. */
const beginsCause = (between: string, kind: FindingKind): boolean =>
  kind === 'infection'
    ? !/[;]|, (?:no|and|a|the) /.test(between)
    : !/,|\band\b|\b(?:on|at|over|near|behind|beside) (?:the|an?) /.test(
        between.replace(/ ?,? (?:which|that|and|but)(?: \w+)? ?$/, ''),
      );

/** "…, which washed away": the sentence itself takes the lesion back. */
const washesAway = (after: string): boolean => {
  const relative = /(?:\bwhich|\bthat|\bbut(?: it| this)?|\band it|; it|; this) (?:\w+ ){0,2}(.*)/.exec(after);
  return relative !== null && RECANT.test(relative[0].slice(0, 60));
};

/** For a sentence after a lesion: whether it says that it was none. */
export function takesBack(words: string, kind: FindingKind): boolean {
  if (RECANT.test(words)) return true;
  return ANAPHOR.test(words) ? patterns[kind].is.test(words) : patterns[kind].proved.test(words);
}
