// What people call the ways of saying a caption.

import type { Way } from '../../language/captions/ways.js';

export const WAY_NAMES: Readonly<Record<Way, string>> = {
  full: 'the whole caption',
  no_place: 'the same without its place',
  place_only: 'the place alone',
  paraphrase: 'a paraphrase',
  clinical: 'a clinical sentence',
  none: 'nothing, or the class word',
  swapped_side: 'left and right swapped',
  other_caption: "another image's caption",
};
