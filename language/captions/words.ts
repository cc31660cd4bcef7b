// The pieces that wordings are put together from: a finding's words in the form that a sentence needs.

import { type Cell, type Finding, wordOf } from './finding.js';

/** One of several; which one is the caller's affair, such as a random stream's. */
export type Choose = <T>(options: readonly T[]) => T;

/** Adjectives of shape, by their endings where they have one: oval, irregular, sessile, lobulated, ovoid, tubulous, conic. */
const ADJECTIVES = /^(?:round|flat|large|square|long|.*(?:al|ar|ile|ed|oid|ous|ic))$/;
/** Nouns that a model's answers use for shapes, and their adjectives. */
const ADJECTIVE_OF: Readonly<Record<string, string>> = {
  ...{ circle: 'circular', triangle: 'triangular', rectangle: 'rectangular', 'large bone': 'bone-shaped' },
};

/** "it is a round shape" is round, "a thumb" is thumb-shaped. */
export function shapeAdjective(shape: string): string {
  const bare = shape
    .replace(/^it is /, '')
    .replace(/^an? /, '')
    .replace(/ shape$/, '');
  return (
    ADJECTIVE_OF[bare] ??
    (ADJECTIVES.test(bare) ? bare : `${bare.replace(/^middle of (?:an? )?/, '').replaceAll(' ', '-')}-shaped`)
  );
}

/** "a small polyp", "an oval polyp", "two pink polyps". @param phrase adjectives and noun in the singular */
export function counted(count: number | null, phrase: string): string {
  if (count !== null && count > 1) return `${wordOf(count)} ${plural(phrase)}`;
  return `${/^[aeiou]/.test(phrase) && !/^one/.test(phrase) ? 'an' : 'a'} ${phrase}`;
}

export const plural = (phrase: string): string => (phrase.endsWith('s') ? phrase : `${phrase}s`);
export const singular = (noun: string): string => noun.replace(/s$/, '');

/** "small", "small and medium" */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

export const phrase = (...words: readonly (string | null | false)[]): string => words.filter(Boolean).join(' ');

/** Every cell once: "top right, top right" is one place. */
export const cellsOf = ({ place }: Finding): readonly Cell[] => [...new Set(place as readonly Cell[])];
