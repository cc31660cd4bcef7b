// "left" and "right" in a sentence, for pictures that are mirrored: the sentence must stay true of its picture.

const PAIRS = [
  ['left', 'right'],
  ['leftmost', 'rightmost'],
  ['leftward', 'rightward'],
  ['leftwards', 'rightwards'],
] as const;

const OPPOSITE = new Map(PAIRS.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]) as [string, string][]);

/** A word stands alone: "bright" and "lefty" are none, "left-sided" holds one. */
const SIDE = new RegExp(
  `(?<![\\p{L}\\p{M}\\p{N}_])(?:${[...OPPOSITE.keys()].join('|')})(?![\\p{L}\\p{M}\\p{N}_])`,
  'giu',
);

/** Places on a clock's face: "at 3 o'clock" says a side without naming one. */
const CLOCK = /\bo\s?['\u2018\u2019\u02bc]?\s?clock\b/iu;

/**
 * The sentence of the mirrored picture: left and right (also -most, -ward, -wards) change places, with their case: lower,
 * Capitalised or UPPER. Any other mixture of cases becomes lower case; the tokeniser does not see the difference.
 *
 * @example swapSides('Upper LEFT, lower right') // 'Upper RIGHT, lower left'
 */
export const swapSides = (text: string): string =>
  text.replace(SIDE, word => {
    // without a locale, and ſ (U+017F) is an s to a case-blind match
    const opposite = OPPOSITE.get(word.toLowerCase().replaceAll('\u017f', 's'))!;
    if (word === word.toUpperCase()) return opposite.toUpperCase();
    const capitalised = word === word[0]!.toUpperCase() + word.slice(1).toLowerCase();
    return capitalised ? opposite[0]!.toUpperCase() + opposite.slice(1) : opposite;
  });

/** False for sentences that `swapSides` cannot keep true; their pictures must not be mirrored. */
export const canSwapSides = (text: string): boolean => !CLOCK.test(text);
