// Captions of polyps as medvlsm writes them for Kvasir-SEG, BKAI and others: "two small, medium white round polyp, located in
// top left, right of the image", and its shorter prompts. The shape is a model's answer in free words ("it is round", "middle
// of ear"), so it is known by its place between the other words; words that could turn the meaning are no shape.

import { CELLS, type Cell, type Finding, NUMBER, numberOf, wordOf } from './finding.js';

const SIZES = 'small|medium|large';
const COLOURS =
  'white|yellow|brown|pink|orange|tan|red|black|gray|grey|peach|purple|violet|blue|green|beige|cream|maroon|magenta|gold|silver';
const SHAPES =
  'round|circle|circular|oval|ovoid|triangular|triangle|heart|kidney|flat|rectangular|rectangle|square|semicircle|' +
  'ear|mouth|thumb|toe|nail|bone|donut';
/** What is told of a lesion's kind is part of its name: BKAI's data set has neoplastic and other polyps. */
const KINDS = 'non-neoplastic|neoplastic|adenomatous|hyperplastic|serrated';
const NOUNS = `(?:(?:${KINDS}) )?(?:polyps|polyp|lesions|lesion|adenomas|adenoma)`;
/** "it is a round shape" */
const KNOWN_SHAPE = new RegExp(`^(?:it is )?(?:middle of )?(?:an? )?(?:large )?(?:${SHAPES})(?: shape)?$`);
/** One to six words. */
const FREE_SHAPE = /^[a-z]+(?:[ -][a-z]+){0,5}$/;
const NO_SHAPE =
  /\b(?:no|not|none|never|without|with|absent|previous|prior|former|removed|resected|and|or|but|in|on|at|from|after|before|possible|suspected)\b/;
// the longest first, so that "top left" is not "top" and a rest
const CELL = [...CELLS].sort((a, b) => b.length - a.length).join('|');

const GRAMMAR = new RegExp(
  `^(?:(?<count>${NUMBER}) )?(?:(?<size>(?:${SIZES})(?:, (?:${SIZES}))*) )?(?:(?<colour>${COLOURS}) )?(?:(?<shape>[a-z -]+?) )?` +
    `(?<noun>${NOUNS})(?:, located in (?<place>(?:${CELL})(?:, (?:${CELL}))*) of the image)?$`,
);

/** Null for any other sentence. @param text lower case */
export function readPolyp(text: string): Finding | null {
  const said = GRAMMAR.exec(text)?.groups;
  if (!said) return null;
  const { count, size, colour, shape, noun, place } = said;
  const free = (count ?? size ?? colour) !== undefined && FREE_SHAPE.test(shape ?? '') && !NO_SHAPE.test(shape ?? '');
  if (shape !== undefined && !free && !KNOWN_SHAPE.test(shape)) return null;
  return {
    ...{ subject: 'polyp', noun: noun!, count: count === undefined ? null : numberOf(count), extent: null },
    ...{ size: size?.split(', ') ?? [], colour: colour ?? null, shape: shape ?? null },
    place: (place?.split(', ') ?? []) as Cell[],
  };
}

/** @param vary what each word of size, colour and place becomes */
export function writePolyp(finding: Finding, vary: (word: string) => string = word => word): string {
  const { count, size, colour, shape, noun, place } = finding;
  const like = [size.map(vary).join(', '), colour && vary(colour), shape];
  const words = [count === null ? '' : wordOf(count), ...like, noun].filter(Boolean).join(' ');
  const cells = (place as readonly Cell[]).map(vary);
  return cells.length === 0 ? words : `${words}, located in ${cells.join(', ')} of the image`;
}
