// The ways in which an evaluation says what captions say: more or less, otherwise, and wrongly.

import { swapSides } from '../mirror-words.js';
import { type Finding, keep, without } from './finding.js';
import { clinical, paraphrase } from './held-out.js';
import { readCaption, writeCaption } from './index.js';

/** In the order of the table. */
export const WAYS = [
  ...(['full', 'no_place', 'place_only', 'paraphrase', 'clinical'] as const),
  ...(['none', 'swapped_side', 'other_caption'] as const),
] as const;
export type Way = (typeof WAYS)[number];

/** What a record is told: null is nothing; undefined where its caption cannot be said in this way. */
export type Told = string | null | undefined;

/**
 * What every record is told in each way.
 *
 * @param mustBeTold where nothing may not be said, the class word stands for it: "polyp"
 */
export function waysOf(captions: readonly string[], mustBeTold: boolean): Readonly<Record<Way, readonly Told[]>> {
  const findings = captions.map(readCaption);
  const read = (say: (finding: Finding) => Told) => findings.map(finding => (finding ? say(finding) : undefined));
  const placed = (say: (finding: Finding) => string) =>
    read(finding => (finding.place.length > 0 ? say(finding) : undefined));
  const word = usual(findings.flatMap(finding => (finding ? [wordOf(finding)] : [])));
  return {
    full: captions,
    no_place: placed(finding => writeCaption(without(finding, ['place']))),
    place_only: placed(finding => writeCaption(keep(finding, ['place']))),
    paraphrase: read(paraphrase),
    clinical: read(clinical),
    none: mustBeTold ? findings.map(finding => (finding ? wordOf(finding) : word)) : captions.map(() => null),
    swapped_side: captions.map(swapSides),
    other_caption: captions.map((text, i) => nextOther(captions, text, i)),
  };
}

/** How many of the captions are in a wording that is known. */
export const readable = (captions: readonly string[]): number =>
  captions.filter(text => readCaption(text) !== null).length;

const wordOf = (finding: Finding): string => writeCaption(keep(finding, []));

/** The one that there is most of, the first of several. */
function usual(words: readonly string[]): string | undefined {
  const count = (word: string) => words.filter(other => other === word).length;
  return [...new Set(words)].sort((a, b) => count(b) - count(a))[0];
}

/** The next record's caption, round and round, that is another one. */
function nextOther(captions: readonly string[], text: string, i: number): string | undefined {
  for (let step = 1; step < captions.length; step++) {
    const other = captions[(i + step) % captions.length]!;
    if (other !== text) return other;
  }
  return undefined;
}
