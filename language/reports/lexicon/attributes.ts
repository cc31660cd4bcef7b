// What is said of a lesion: how many, how large, which colour and shape, where in the picture.

import type { SizeWord } from '../types.js';

export const NUMBERS: Readonly<Record<string, number>> = {
  ...{ zero: 0, one: 1, single: 1, solitary: 1, isolated: 1, lone: 1, two: 2, couple: 2, pair: 2, three: 3, four: 4 },
  ...{ five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, eleven: 11, twelve: 12, dozen: 12, thirteen: 13 },
  ...{ fourteen: 14, fifteen: 15, sixteen: 16, seventeen: 17, eighteen: 18, nineteen: 19, twenty: 20, thirty: 30 },
  ...{ forty: 40, fifty: 50, hundred: 100 },
};

/** Words for more than one without a number. */
export const MANY =
  '(?:multiple|numerous|several|many|various|some|a few|few|handful of|innumerable|countless|scattered|clusters? of|group of|crops? of|carpet of|bilateral)';

export const SIZES: readonly (readonly [pattern: string, size: SizeWord])[] = [
  ['tiny|diminutive|minute|minuscule', 'tiny'],
  ['small(?: sized)?(?! bowel| intestine| amount| volume| airways?)', 'small'],
  ['medium(?: sized)?|moderate sized|moderately sized', 'medium'],
  ['large(?: sized)?(?! bowel| intestine| volume)|big|giant|huge', 'large'],
];

const HUE = '(?:red|pink|white|yellow|brown|purple|orange|tan|grey|black|blue|green|violet)';
const SHADE =
  '(?:reddish|pinkish|whitish|yellowish|brownish|purplish|greyish|bluish|reddened|erythematous|hyperaemic|violaceous)';

/** "dark red" and "red and white" are one colour each, as they are said. */
export const COLOUR = `(?:(?:dark|bright|light|pale|deep|dusky|dull|cherry|brick|salmon) (?:${HUE}|${SHADE})|(?:${HUE}|${SHADE})(?: (?:and|to|/) (?:${HUE}|${SHADE}))*|pale|dusky)(?! tips?| cap\\b| stalk| rim| halo| coating| cells?| cell| light| blood| spots?| marks?| patch| ring| matter| lines?| area)`;

/** `polyp` and `infection` share what both can have. */
export const SHAPES = {
  polyp:
    'sessile|pedunculated|semi pedunculated|flat elevated|flat|lobulated|multilobulated|bilobed|lobular|round|oval|irregular(?:ly shaped)?|laterally? spreading|spherical|mushroom shaped|dome shaped|domed|broad based|nodular|depressed|elongated|villous shaped|finger like|triangular|club shaped|cauliflower like',
  infection: 'round|oval|wedge shaped|triangular|spherical|lobulated|elongated|nodular|irregular(?:ly shaped)?',
} as const;

/** "On a stalk" and its like. */
export const STALKED =
  '(?:on|with|has|having|bearing) (?:an? )?(?:(?!the\\b|its\\b)\\w+ ){0,2}?(?:stalk|pedicle|peduncle)|stalked';
export const SPELT_SHAPES: Readonly<Record<string, string>> = { 'flat elevated': 'flat', domed: 'dome-shaped' };

/** Codes of the Paris classification, where no word says the shape. */
export const PARIS: Readonly<Record<string, string>> = {
  is: 'sessile',
  ip: 'pedunculated',
  isp: 'semi-pedunculated',
  iia: 'flat',
  iib: 'flat',
  iic: 'depressed',
};

const VERTICAL: Readonly<Record<string, string>> = {
  ...{ upper: 'upper', top: 'upper', uppermost: 'upper', superior: 'upper' },
  ...{ lower: 'lower', bottom: 'lower', lowermost: 'lower', inferior: 'lower' },
};
const DIRECTION = '(?:upper|top|uppermost|superior|lower|bottom|lowermost|inferior|left|right|centre|central|middle)';
const DIRECTIONS = `${DIRECTION}(?:(?: hand| most|,)? ${DIRECTION})*(?: hand)?`;
const PART = '(?:corner|quadrant|edge|border|margin|side|half|third|part|portion|area|region|sector|field)';
const PICTURE =
  '(?:image|picture|frame|view|field|screen|still|photo|photograph|snapshot|capture|shot|field of view|visual field)';

/** Places in a picture that say so. The first group has the directions, the second the hour of a clock. */
export const PICTURE_PLACES: readonly string[] = [
  `(?:(?:just|slightly|a little) )?(?<side>left|right) of (?:the )?(?:image |picture |frame )?centre`,
  `(?<words>${DIRECTIONS})(?: ${PART})?(?: of| in| on| within)?(?: the| this| our)?(?: endoscopic| still| stored| whole| current)* ${PICTURE}\\b(?! quality)`,
  `${PICTURE}(?:,| in| at| on| the| its| to| near| towards| along)* (?<words>${DIRECTIONS})(?: (?:corner|quadrant|edge|border|side|half|third|part))?\\b(?! (?:colon|flexure|lateral|sided|hemicolon|lung|lobe|zone))`,
  `(?<words>${DIRECTIONS}) (?:corner|quadrant|half|edge of view)(?! of the (?:abdomen|breast|colon|stomach))`,
  `(?<hour>\\d{1,2}|twelve|eleven|ten|nine|eight|seven|six|five|four|three|two|one)(?: to \\d+)? o'clock`,
];

/** The same without a word for the picture, for texts that describe one. */
export const BARE_PLACE = `(?<=\\b(?:at|in|on|near|towards|along|the|,) )(?<words>${DIRECTIONS})(?: (?:edge|side|part|third|border|area))?\\b(?! (?:colon|flexure|lateral|sided|hemicolon|lung|lobe|zone|of the (?:colon|stomach)))`;

/** A heading with a place in the picture: "top left:". */
export const PICTURE_HEADING = `(?:in |at |on )?(?:the )?${DIRECTIONS}(?: ${PART})?(?: of (?:the )?${PICTURE})?`;

/** Whether a text describes a picture. */
export const DESCRIBES_PICTURE = /\b(?:still|frame|picture|snapshot|photograph|photo|screenshot|image)\b/;

/** `upper left`, `centre`, `right`: the words in one order. */
export function directionOf(words: string): string | null {
  const said = words.split(/[ ,]+/);
  const vertical = said.map(word => VERTICAL[word]).find(Boolean);
  const side = said.find(word => word === 'left' || word === 'right');
  const centre = said.some(word => /^(?:centre|central|middle)$/.test(word));
  if (!vertical && !side) return centre ? 'centre' : null;
  const parts = [vertical, side ?? (centre && vertical ? 'centre' : undefined)];
  return parts.filter(Boolean).join(' ');
}

/** The hour of a clock whose twelve is at the top of the picture. */
export function directionOfHour(hour: number): string | null {
  const places = ['upper', 'upper right', 'upper right', 'right', 'lower right', 'lower right', 'lower'];
  const places2 = ['lower left', 'lower left', 'left', 'upper left', 'upper left', 'upper'];
  return [...places, ...places2][hour] ?? null;
}
