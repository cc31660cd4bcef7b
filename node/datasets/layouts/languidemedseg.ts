// LanGuideMedSeg (Zhong et al. 2023; github.com/Junelin2333/LanGuideMedSeg-MICCAI2023, utils/dataset.py and config/training.yaml):
// prompt/{train,test}.csv with Image (the mask's file name, `mask_` + the image's) and Description, Images/ and GTs/, either beside
// prompt/ or within a folder for each split. The last fifth of train.csv validates.

import { extname, join } from 'node:path';
import { splitOfName, usualSplit } from '../splits.js';
import { TABLE_EXTENSIONS } from '../table.js';
import { type Draft, type LayoutReader, type Part, readParts, withIds } from './draft.js';
import { isImageName, listFolder, listIfThere, NameIndex, stemOf } from './names.js';
import { pairUp } from './pairs.js';
import { readSentences } from './sentences.js';

export const languidemedseg: LayoutReader = {
  rule: 'prompt/ with train.csv or test.csv, Images/ and GTs/ (LanGuideMedSeg)',
  async read(folder, { signal }) {
    const prompt = (await listFolder(folder)).folders.find(name => /^prompts?$/i.test(name));
    if (prompt === undefined) return null;
    const { files } = await listIfThere(join(folder, prompt));
    const tables = files.filter(name => (TABLE_EXTENSIONS as readonly string[]).includes(extname(name).toLowerCase()));
    if (tables.length === 0) return null;
    const splits = tables.map(name => usualSplit(stemOf(name)) ?? stemOf(name));
    const layout = await readParts(splits, (split, i) =>
      readPart(folder, join(folder, prompt, tables[i]!), split, signal),
    );
    return splits.includes('val') || !splits.includes('train')
      ? layout
      : withValidation(layout, `${prompt}/${tables[splits.indexOf('train')]}`);
  },
};

async function readPart(folder: string, table: string, split: string, signal?: AbortSignal): Promise<Part> {
  const texts = await readSentences(table, signal);
  const { images, masks } = await placesOf(folder, split);
  const imageNames = (await listFolder(join(folder, images))).files.filter(isImageName);
  const maskNames = new NameIndex((await listFolder(join(folder, masks))).files.filter(isImageName));
  const drafts = [...texts.byName].map(([name, text]) => {
    const found = maskNames.find(name);
    const mask = found[0] ?? name;
    const [pair] = pairUp(imageNames, [mask]).pairs;
    const image = pair!.image ?? mask.replace(/^mask_/, '');
    const several = found.length > 1 ? { fault: `${name} of the table fits several masks: ${found.join(', ')}` } : {};
    const files = { image: `${images}/${image}`, mask: [`${masks}/${mask}`] };
    return { id: stemOf(image), other: stemOf(mask), ...files, split, text, ...several };
  });
  return { drafts: withIds(drafts) };
}

/** Images/ and GTs/ of a split: in a folder of its own ("Train", "Train Set"), else beside prompt/. */
async function placesOf(folder: string, split: string): Promise<{ readonly images: string; readonly masks: string }> {
  const { folders } = await listFolder(folder);
  // training and validation share a folder where they share a table
  for (const place of [...folders.filter(name => splitOfName(name) === split), '.']) {
    const inside = (await listIfThere(join(folder, place))).folders;
    const images = inside.find(name => /^images?$/i.test(name));
    const masks = inside.find(name => /^(gts?|masks?|ground[-_ ]?truths?)$/i.test(name));
    if (images !== undefined && masks !== undefined)
      return { images: `${place}/${images}`, masks: `${place}/${masks}` };
  }
  return { images: 'Images', masks: 'GTs' };
}

function withValidation(layout: Required<Part>, table: string) {
  const train = layout.drafts.filter(({ split }) => split === 'train');
  const kept = Math.floor(0.8 * train.length);
  // of so few there is nothing to validate on
  if (kept === 0) return layout;
  const last = new Set<Draft>(train.slice(kept));
  const note = `the last fifth of ${table} is the split "val", as LanGuideMedSeg's own code takes it`;
  return {
    ...layout,
    drafts: layout.drafts.map(draft => (last.has(draft) ? { ...draft, split: 'val' } : draft)),
    notes: [...layout.notes, { text: note, split: 'train' }, { text: note, split: 'val' }],
  };
}
