// Sentences as augmentation: what an epoch tells of a picture, from its whole caption down to nothing, in one of many wordings.
// What it tells is true of the picture as the epoch shows it, unless a share of wrong sentences is asked for.

import { type Finding, keep, saidOf, without } from '../../language/captions/finding.js';
import { readCaption, writeCaption } from '../../language/captions/index.js';
import { type Saying, sayAsCaption, sayOtherwise } from '../../language/captions/wordings.js';
import { swapSides } from '../../language/mirror-words.js';
import type { Random } from '../random.js';
import { type Draw, type Sample, streamOf, type TextSettings } from './augment.js';
import { hourOf, type LesionsOf, untrueOf } from './lesions.js';

/** What of a data set the sentences need besides the picture itself. */
export interface Around {
  readonly lesionsOf: LesionsOf;
  /** Another record's sentence; null where there is none. */
  readonly other: string | null;
}

/**
 * Texts for a picture that `augment` has changed, the one that was drawn first; the others, each shorter, stand in where it has
 * more tokens than a network takes. A caption that cannot be read (`readCaption`) stays whole, since nothing can be left out of
 * it for sure.
 */
export function retell(
  before: Sample,
  after: Sample,
  settings: TextSettings,
  draw: Draw,
  around: Around,
): readonly string[] {
  const random = streamOf(draw, 'text');
  const share = random.unit();
  const { none, wrong, bare, part } = settings;
  if (share < none) return [''];
  if (share < none + wrong) return [misleading(after.text, around.other, random)];
  const caption = readCaption(after.text);
  if (!caption) return [after.text];
  const { size } = after;
  const lesions = around.lesionsOf(after.mask, size);
  const untrue =
    before.mask === after.mask ? [] : untrueOf(caption, around.lesionsOf(before.mask, size), lesions, size);
  const whole = without(caption, untrue);
  const word = writeCaption(keep(whole, []));
  if (share < none + wrong + bare) return [word];
  const told = share < none + wrong + bare + part ? partOf(whole, random) : whole;
  if (saidOf(told).length === 0) return [word];
  const saying: Saying = {
    choose: options => options[random.below(options.length)]!,
    vary: () => random.chance(settings.synonyms),
    hour: hourOf(lesions, size),
  };
  const said = random.chance(settings.paraphrase) ? sayOtherwise(told, saying) : sayAsCaption(told, saying);
  const text = random.chance(settings.typos) ? mistype(said, random) : said;
  return [text, writeCaption(told), word];
}

function partOf(finding: Finding, random: Random): Finding {
  const said = saidOf(finding);
  if (said.length < 2) return keep(finding, []);
  return keep(finding, random.shuffle(said).slice(0, 1 + random.below(said.length - 1)));
}

/** Its own sentence with the sides swapped, where it has any, or another's. */
function misleading(text: string, other: string | null, random: Random): string {
  const swapped = swapSides(text);
  const own = swapped !== text;
  if (other === null || (own && random.chance(0.5))) return swapped;
  return other;
}

/** Two letters change places, or one is missing or doubled, in a word of four letters or more; a text without one stays. */
export function mistype(text: string, random: Random): string {
  const words = [...text.matchAll(/\p{L}{4,}/gu)];
  if (words.length === 0) return text;
  const { 0: word, index } = words[random.below(words.length)]!;
  const at = index + 1 + random.below(word.length - 2);
  const [before, a, b, after] = [text.slice(0, at), text[at]!, text[at + 1]!, text.slice(at + 2)];
  return before + [b + a, b, a + a + b][random.below(3)]! + after;
}
