// How people may say what a caption says: captions, sentences, notes and telegraph style, for training. The wordings of
// held-out.ts are others, so that an evaluation on them is of sentences that no training has seen.

import { type Finding, type LungPlace, wordOf } from './finding.js';
import { writeCaption } from './index.js';
import { areas, lungWords } from './lungs.js';
import { type Choose, cellsOf, counted, listed, phrase, plural, shapeAdjective, singular } from './words.js';

export interface Saying {
  readonly choose: Choose;
  /** Whether a word gives way to another one of the same meaning; asked for each word. */
  readonly vary: () => boolean;
  /** The hour on a clock's face at which the one lesion lies; null where there are several, or it lies in the middle. */
  readonly hour: number | null;
}

/** Words of the same meaning. None narrows it: a small polyp need not be tiny. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  small: ['little', 'small-sized'],
  medium: ['medium-sized', 'mid-sized'],
  large: ['big', 'large-sized'],
  white: ['whitish'],
  yellow: ['yellowish'],
  red: ['reddish'],
  brown: ['brownish'],
  pink: ['pinkish'],
  orange: ['orange-coloured'],
  gray: ['grey'],
  round: ['rounded'],
  circular: ['round'],
  oval: ['ovoid'],
  'top left': ['upper left', 'left upper part', 'upper left part'],
  top: ['upper part', 'upper middle', 'top middle'],
  'top right': ['upper right', 'right upper part', 'upper right part'],
  left: ['left side', 'left part', 'left middle'],
  center: ['centre', 'middle'],
  right: ['right side', 'right part', 'right middle'],
  'bottom left': ['lower left', 'left lower part', 'lower left part'],
  bottom: ['lower part', 'lower middle', 'bottom middle'],
  'bottom right': ['lower right', 'right lower part', 'lower right part'],
};

/** The finding in its data set's own wording, some words replaced. */
export const sayAsCaption = (finding: Finding, saying: Saying): string =>
  writeCaption(finding, word => varied(word, saying));

/** The finding in a wording chosen among all. */
export function sayOtherwise(finding: Finding, saying: Saying): string {
  const text =
    finding.subject === 'polyp'
      ? saying.choose(POLYP_WORDINGS)(polypWords(finding, saying))
      : saying.choose(LUNG_WORDINGS)(lungPieces(finding, saying));
  return text
    .replace(/\s+/g, ' ')
    .replace(/ (?=[.,:;])/g, '')
    .trim();
}

const varied = (word: string, { choose, vary }: Saying): string => {
  const others = SYNONYMS[word];
  return others && vary() ? choose(others) : word;
};

interface PolypWords {
  /** "small", "pink", "round", as far as they are said. */
  readonly adjectives: readonly string[];
  readonly noun: string;
  /** "a small pink round polyp" */
  readonly thing: string;
  readonly many: boolean;
  readonly number: string;
  /** "upper left", or empty. */
  readonly area: string;
  /** "in the upper left of the image", or empty. */
  readonly where: string;
}

function polypWords(finding: Finding, saying: Saying): PolypWords {
  const { choose, hour, vary } = saying;
  const { count, size, colour, shape, noun } = finding;
  const shaped = shape === null ? [] : [varied(shapeAdjective(shape), saying)];
  const sizes = size.length > 0 ? [listed(size.map(word => varied(word, saying)))] : [];
  const adjectives = [...sizes, ...(colour === null ? [] : [varied(colour, saying)]), ...shaped];
  const names = cellsOf(finding).map(cell => varied(cell, saying));
  const clock = names.length === 1 && hour !== null && vary() ? `at ${hour} o'clock` : null;
  const of = choose(['', ' of the image', ' of the picture', ' of the view']);
  const within = names.length > 0 ? `in the ${listed(names)}${of}` : '';
  const many = (count ?? 1) > 1;
  return {
    ...{
      adjectives,
      many,
      number: count === null ? '' : wordOf(count),
      area: clock ?? listed(names),
      where: clock ?? within,
    },
    noun: many ? plural(noun) : singular(noun),
    thing: counted(count, phrase(...adjectives, singular(noun))),
  };
}

const POLYP_WORDINGS: readonly ((words: PolypWords) => string)[] = [
  // captions
  ({ number, adjectives, noun, area }) => phrase(number, ...adjectives, noun, area && `, ${area}`),
  ({ thing, where }) => `${thing} ${where}`,
  // sentences
  ({ thing, where, many }) => `${thing} ${many ? 'are' : 'is'} seen ${where}.`,
  ({ thing, where }) => `The image shows ${thing} ${where}.`,
  ({ thing, where }) => `This picture contains ${thing} ${where}.`,
  ({ thing, where }) => `We see ${thing} ${where}.`,
  ({ noun, adjectives, where, many }) => {
    const verb = many ? 'are' : 'is';
    const like = adjectives.length > 0 ? ` ${verb} ${listed(adjectives)}` : '';
    const lies = where && `${like && ' and'} ${many ? 'lie' : 'lies'} ${where}`;
    return `The ${noun}${like}${lies || (like ? '' : ` ${verb} visible`)}.`;
  },
  // notes
  ({ thing, area }) => `Finding: ${thing}.${area && ` Location: ${area}.`}`,
  ({ thing, where }) => `Colonoscopy: ${thing} ${where}.`,
  ({ thing, where }) => `${thing} noted ${where}.`,
  // telegraph style
  ({ number, adjectives, noun, area }) => [phrase(number, noun), ...adjectives, area].filter(Boolean).join(', '),
  ({ adjectives, noun, area }) => phrase(area, ...adjectives, noun),
  ({ adjectives, noun, area }) => phrase(...adjectives, noun, area),
];

interface LungPieces {
  /** "bilateral pulmonary infection" */
  readonly thing: string;
  /** "two infected areas", or empty. */
  readonly number: string;
  /** "left upper lung and right lower lung", or empty. */
  readonly where: string;
}

function lungPieces({ extent, noun, count, place }: Finding, saying: Saying): LungPieces {
  const kind = saying.vary() ? saying.choose(['lung infection', 'infection of the lung', 'infection']) : noun;
  return {
    thing: phrase(extent, kind),
    number: count === null ? '' : areas(count),
    where: listed((place as readonly LungPlace[]).map(at => lungArea(at, saying))),
  };
}

function lungArea(place: LungPlace, { choose, vary }: Saying): string {
  if (!vary()) return lungWords(place);
  const { zones, side } = place;
  if (zones[0] === 'all') return choose([`whole ${side} lung`, `entire ${side} lung`]);
  const several = zones.length > 1;
  const names = listed(zones);
  return choose([`${side} ${names} lung`, `${names} ${several ? 'parts' : 'part'} of the ${side} lung`]);
}

const LUNG_WORDINGS: readonly ((pieces: LungPieces) => string)[] = [
  // captions
  ({ thing, number, where }) => [thing, number, where].filter(Boolean).join(', '),
  // sentences
  ({ thing, number, where }) => `The image shows ${thing}${number && ` with ${number}`}${where && ` in the ${where}`}.`,
  ({ thing, where }) => `${thing} is seen${where && ` in the ${where}`}.`,
  ({ thing, number, where }) => `This scan has ${number || thing}${where && ` in the ${where}`}.`,
  // notes
  ({ thing, number, where }) => `Finding: ${phrase(thing, number && `, ${number}`)}.${where && ` Location: ${where}.`}`,
  ({ thing, number, where }) => `${thing} noted${where && ` in the ${where}`}${number && `, ${number}`}.`,
  // telegraph style
  ({ where, thing }) => phrase(where && `${where}:`, thing),
  ({ where, thing }) => phrase(thing, where),
];
