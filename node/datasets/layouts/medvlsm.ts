// medvlsm (Poudel et al. 2023; github.com/naamiinepal/medvlsm, DATASETS.MD): anns/{train,val,test}.json are lists of {img_name,
// mask_name, prompts: {p0 … p9}} for files in images/ and masks/. Which prompts there are differs from set to set; p0 is empty.
// CheXlocalize has an entry for each finding of an image, BKAI some entries twice.

import { join } from 'node:path';
import { check } from '../../../errors/index.js';
import { show } from '../../../errors/show.js';
import { usualSplit } from '../splits.js';
import { type Draft, type LayoutReader, readParts, withIds } from './draft.js';
import { fieldsOf, readJsonList } from './json.js';
import { listIfThere, stemOf } from './names.js';

export const medvlsm: LayoutReader = {
  rule: 'anns/ with train.json, val.json or test.json (medvlsm)',
  async read(folder, { signal }) {
    const { files } = await listIfThere(join(folder, 'anns'));
    const names = files.filter(name => /\.json$/i.test(name)).sort((a, b) => order(a) - order(b));
    if (names.length === 0) return null;
    return readParts(names.map(splitOf), async (split, i) => {
      const path = join(folder, 'anns', names[i]!);
      const entries = await readJsonList(path, signal);
      const message = `openDataset: ${path} must be a list of captions, got ${show(entries)}; correct it`;
      check(Array.isArray(entries), 'DATASET_INVALID', message);
      return { drafts: withIds(entries.map(entry => draftOf(entry, split))) };
    });
  },
};

/** testB.json is a split of its own. */
const splitOf = (name: string): string => usualSplit(stemOf(name)) ?? stemOf(name);

const SPLITS = ['train', 'val', 'test'];
const order = (name: string): number => {
  const place = SPLITS.indexOf(splitOf(name));
  return place < 0 ? SPLITS.length : place;
};

function draftOf(entry: unknown, split: string): Draft & { id: string; other: string } {
  const { img_name: image, mask_name: mask, prompts } = fieldsOf(entry);
  const within = (part: string, name: unknown) => (typeof name === 'string' && name ? `${part}/${name}` : name);
  const masks = Array.isArray(mask) ? mask : [mask];
  const stem = (name: unknown) => (typeof name === 'string' ? stemOf(name) : '');
  const files = { image: within('images', image), mask: masks.map(name => within('masks', name)) };
  return { id: stem(image), other: stem(masks[0]), ...files, split, prompts };
}
