// Which image a mask belongs to, by their names: "a.png" to "a.jpg", "mask_a.png" and "a_segmentation.png" to "a.tif".

import { NameIndex, stemOf } from './names.js';

export interface Pair {
  /** Null where no image, or more than one, fits. */
  readonly image: string | null;
  /** Those that fit where they are several. */
  readonly fitting: readonly string[];
  /** Several where an image has a mask for each lesion. */
  readonly masks: readonly string[];
}

export interface Pairs {
  /** In the order of their masks. */
  readonly pairs: readonly Pair[];
  /** Images without a mask. */
  readonly alone: readonly string[];
}

const PREFIX = /^(mask|gt|label|seg)[-_ ]+/i;
const SUFFIX = /[-_ ]+(masks?|seg|segmentation|gt|ground ?truth|labels?|lesion|annotation)([-_ ]*\d+)?$/i;

export function pairUp(images: readonly string[], masks: readonly string[]): Pairs {
  const index = new NameIndex(images);
  const byImage = new Map<string, { image: string | null; fitting: readonly string[]; masks: string[] }>();
  for (const mask of masks) {
    const fitting = imagesOf(mask, index);
    const image = fitting.length === 1 ? fitting[0]! : null;
    const key = image ?? `/${mask}`;
    const pair = byImage.get(key);
    if (pair) pair.masks.push(mask);
    else byImage.set(key, { image, fitting, masks: [mask] });
  }
  return { pairs: [...byImage.values()], alone: images.filter(image => !byImage.has(image)) };
}

function imagesOf(mask: string, index: NameIndex): readonly string[] {
  const stem = stemOf(mask);
  for (const name of [
    mask,
    mask.replace(PREFIX, ''),
    stem.replace(SUFFIX, ''),
    stem.replace(PREFIX, '').replace(SUFFIX, ''),
  ]) {
    const found = index.find(name);
    if (found.length > 0) return found;
  }
  return [];
}
