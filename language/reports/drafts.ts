// Mentions to drafts of findings: what one mention says, divided where it names several places.

import { tokensAt } from './document.js';
import { PARIS } from './lexicon/attributes.js';
import type { Attribute, Mention } from './mentions.js';
import { NOWHERE, type Place, placesOf } from './places.js';
import type { Status } from './scopes.js';
import type { FindingKind, SizeWord } from './types.js';

/** A finding in the making. */
export interface Draft {
  readonly kind: FindingKind;
  /** The number that is said; null if none is. */
  count: number | null;
  plural: boolean;
  size: SizeWord | null;
  mm: number | null;
  colour: string | null;
  shapes: string[];
  paris: string | null;
  place: Place;
  certain: boolean;
  /** In UTF-16 units of the text. */
  evidence: [start: number, end: number][];
}

export const PLURAL_GROUP =
  /(?:^| )(?:areas|patches|foci|regions|clusters?|groups?|zones|collections?|crops?|spots|bits) of /;

/** One draft for each place that the mention names, or one without a place. `inherited`: places of headings, if it has none. */
export function draftsOf(mention: Mention, inherited: readonly Attribute[], status: Status | null = null): Draft[] {
  const { kind, attributes, sentence } = mention;
  const text = sentence.words.slice(mention.start, mention.to);
  const own = withHeading(mention, inherited);
  let spots = placesOf(kind, own, text);
  const numbers = attributes.filter(one => one.type === 'count');
  const plural = mention.plural || PLURAL_GROUP.test(text) || attributes.some(({ type }) => type === 'many');
  const count = numbers.length > 0 ? numbers[0]!.value : null;
  if (kind === 'polyp' && spots.length > 1 && !plural && (count ?? 1) === 1 && !isNamedTwice(mention, spots))
    spots = spots.slice(0, 1);
  const base = {
    kind,
    certain: status?.certain ?? true,
    plural: plural && spots.length < 2,
    count: spots.length > 1 ? null : count,
  };
  const doubt = status?.doubt ? [{ from: status.doubt[0], to: status.doubt[1] }] : [];
  if (spots.length < 2) {
    const [spot] = spots;
    const draft: Draft = {
      ...base,
      ...emptyDraft(),
      place: spot ? { picture: spot.picture, anatomy: spot.anatomy } : NOWHERE,
    };
    fill(draft, attributes);
    draft.evidence = evidenceOf(mention, [...attributes, ...(spot?.said ?? [])], doubt);
    return [draft];
  }
  return spots.map(spot => {
    const draft: Draft = { ...base, ...emptyDraft(), place: { picture: spot.picture, anatomy: spot.anatomy } };
    const after = spots.some(({ said }) => said.some(({ from }) => from >= mention.to));
    const isShared = (one: Attribute) => {
      const alone = attributes.filter(({ type, from }) => type === one.type && from >= mention.to).length === 1;
      return isIn(one, mention) || (one.type !== 'count' && (!after || alone || isOfAll(sentence.words, one.from)));
    };
    const shared = attributes.filter(one => isShared(one) && one.type !== 'count' && one.type !== 'many');
    const parts = attributes.filter(
      one =>
        !isShared(one) &&
        ownerOf(
          one,
          mention,
          spots.map(({ said }) => said[0]!),
        ) === spot.said[0],
    );
    fill(draft, [...shared, ...parts]);
    const number = parts.find(one => one.type === 'count');
    draft.count = number?.type === 'count' ? number.value : /\beach of\b/.test(sentence.words) ? count : null;
    draft.evidence = evidenceOf(mention, [...shared, ...parts, ...spot.said], doubt);
    return draft;
  });
}

const isOfAll = (words: string, at: number): boolean => /\b(?:all|each|both|every)\b[^;]*$/.test(words.slice(0, at));

const emptyDraft = () => ({
  size: null,
  mm: null,
  colour: null,
  shapes: [] as string[],
  paris: null,
  evidence: [] as [number, number][],
});

const isIn = ({ from, to }: Attribute, { start, to: end }: Mention): boolean => from >= start && to <= end;

/** "Sigmoid and rectal polyp": two places before a singular are two lesions only where both are adjectives of it. */
const isNamedTwice = ({ start, from, sentence }: Mention, _: unknown): boolean =>
  / and /.test(sentence.words.slice(start, from));

/** The mention's places; a heading's where it has none, or where it only adds a side or a level to it. */
function withHeading({ attributes }: Mention, inherited: readonly Attribute[]): readonly Attribute[] {
  const missing = inherited.filter(one => {
    if (one.type === 'region')
      return (
        !attributes.some(own => own.type === 'region') ||
        attributes.some(own => own.type === 'region' && own.value.side === null)
      );
    return !attributes.some(own => own.type === one.type);
  });
  return [...missing, ...attributes];
}

/** The place to which a size or a shape between several places belongs: all follow their places, or all precede them. */
function ownerOf(attribute: Attribute, mention: Mention, places: readonly Attribute[]): Attribute | undefined {
  const others = mention.attributes.filter(one => !places.includes(one) && one.from >= mention.to);
  const first = others[0];
  const inOrder = [...places.filter(({ from }) => from >= mention.to)].sort((a, b) => a.from - b.from);
  const leads = first !== undefined && inOrder[0] !== undefined && first.from < inOrder[0].from;
  const next = inOrder.find(({ from }) => from >= attribute.to);
  const last = inOrder.findLast(({ to }) => to <= attribute.from);
  return leads ? (next ?? last) : (last ?? next);
}

/** Adds what attributes say to a draft; what it has already stays, but a larger diameter counts. */
export function fill(draft: Draft, attributes: readonly Attribute[], overwrite = false): void {
  for (const one of attributes) {
    if (one.type === 'size') draft.size = overwrite ? one.value : (draft.size ?? one.value);
    else if (one.type === 'measure') draft.mm = overwrite ? one.value : Math.max(draft.mm ?? 0, one.value);
    else if (one.type === 'colour') draft.colour = overwrite ? one.value : (draft.colour ?? one.value);
    else if (one.type === 'shape' && !draft.shapes.includes(one.value))
      draft.shapes = overwrite ? [one.value] : [...draft.shapes, one.value];
    else if (one.type === 'paris')
      draft.paris = [draft.paris, PARIS[one.value]]
        .filter((word, i, all) => word && all.indexOf(word) === i)
        .join(', ');
  }
}

/** The words of the mention and of what is said of it: one stretch, unless another lesion stands between. */
export function evidenceOf(
  mention: Mention,
  attributes: readonly Attribute[],
  more: readonly { from: number; to: number }[],
): [number, number][] {
  const { sentence } = mention;
  const near = attributes.filter(one => sentence.words.length >= one.to && isOf(mention, one));
  const spans = [{ from: mention.start, to: mention.to }, ...near, ...more].sort((a, b) => a.from - b.from);
  const joined: { from: number; to: number }[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    const gap = last ? sentence.words.slice(last.to, Math.max(last.to, span.from)) : '';
    if (last && gap.split(' ').length <= 8 && !/;/.test(gap))
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else joined.push({ ...span });
  }
  return joined.map(({ from, to }) => spanOf(sentence, from, to));
}

const isOf = ({ attributes }: Mention, attribute: Attribute): boolean => attributes.includes(attribute);

/** UTF-16 offsets in the text of `[from, to)` in the words of a line. */
export function spanOf(line: Parameters<typeof tokensAt>[0], from: number, to: number): [number, number] {
  const [first, last] = tokensAt(line, from, to);
  return [line.tokens[first]!.start, line.tokens[last]!.end];
}
