// LViT (Li et al. 2023; github.com/HUANGLIZI/LViT, README): {Train,Val,Test}_Folder with img/, labelcol/ and a table of Image (the
// mask's file name) and Description. QaTa-COV19 names masks `mask_` + the image's name, and has one table for training and
// validation, Train_Val_text. The authors publish tables as .xlsx.

import { extname, join } from 'node:path';
import { TmcaError } from '../../../errors/index.js';
import { usualSplit } from '../splits.js';
import { TABLE_EXTENSIONS } from '../table.js';
import { type LayoutReader, named, type Part, readParts, withIds } from './draft.js';
import { isImageName, listFolder, listIfThere, NameIndex, stemOf } from './names.js';
import { type Pair, pairUp } from './pairs.js';
import { readSentences } from './sentences.js';

const SPLITS = ['train', 'val', 'test'];

export const lvit: LayoutReader = {
  rule: 'Train_Folder/, Val_Folder/ or Test_Folder/ with img/ and labelcol/ (LViT)',
  async read(folder, { signal }) {
    const root = await listFolder(folder);
    const parts = root.folders.filter(name => SPLITS.includes(splitOf(name)));
    parts.sort((a, b) => SPLITS.indexOf(splitOf(a)) - SPLITS.indexOf(splitOf(b)));
    if (parts.length === 0) return null;
    return readParts(parts.map(splitOf), (split, i) => readPart(folder, parts[i]!, split, signal));
  },
};

const splitOf = (name: string): string =>
  (/_folder$/i.test(name) && usualSplit(name.slice(0, -'_folder'.length))) || '';

async function readPart(folder: string, part: string, split: string, signal?: AbortSignal): Promise<Part> {
  const inside = await listFolder(join(folder, part));
  const place = (name: string) => new NameIndex(inside.folders).find(name)[0] ?? name;
  const [img, labelcol] = [`${part}/${place('img')}`, `${part}/${place('labelcol')}`];
  const texts = await readSentences(await findTable(folder, part, split), signal);
  const images = (await listFolder(join(folder, img))).files.filter(isImageName);
  const masks = (await listFolder(join(folder, labelcol))).files.filter(isImageName);
  const { pairs, alone } = pairUp(images, masks);
  // each mask has a sentence of its own, so that those of one image are not united
  const drafts = pairs.flatMap(pair =>
    pair.masks.map(mask => {
      const image = pair.image ?? mask;
      const text = texts.find(mask, ...(pair.image === null ? [] : [pair.image]));
      const files = { image: `${img}/${image}`, mask: [`${labelcol}/${mask}`] };
      return { id: stemOf(image), other: stemOf(mask), ...files, split, text, ...faultOf(pair) };
    }),
  );
  return { drafts: withIds(drafts), notes: alone.length === 0 ? [] : [maskless(img, alone)] };
}

/** Images that are left out, as a note. */
export const maskless = (place: string, alone: readonly string[]) => ({
  text: `${alone.length} of the images in ${place} have no mask and are left out: ${named(alone)}`,
});

/** The fault of a mask to which two images would fit. */
export const faultOf = ({ fitting, masks }: Pair): { readonly fault?: string } =>
  fitting.length > 1 ? { fault: `the mask ${masks[0]} fits several images: ${named(fitting)}` } : {};

/** In the split's own folder, else in the data set's. Train_Val_text serves Val_Folder from Train_Folder too. */
async function findTable(folder: string, part: string, split: string): Promise<string> {
  const places = [join(folder, part), folder, ...(split === 'val' ? [await trainFolder(folder)] : [])];
  const own = new RegExp(`^${split}_text`, 'i');
  const shared = split === 'test' ? /^$/ : /^train_val_text/i;
  for (const place of places) {
    const tables = (await listIfThere(place)).files.filter(name => rank(name) >= 0).sort((a, b) => rank(a) - rank(b));
    const table = tables.find(name => own.test(name)) ?? tables.find(name => shared.test(name));
    if (table !== undefined) return join(place, table);
  }
  const names = [part.replace(/_folder$/i, '_text'), ...(split === 'test' ? [] : ['Train_Val_text'])];
  throw new TmcaError(
    'DATASET_INVALID',
    `openDataset: ${part} must come with its sentences, got no ${names.map(name => `${name}.xlsx or .csv`).join(', nor ')} in ${folder}; put it there`,
  );
}

const rank = (name: string): number => (TABLE_EXTENSIONS as readonly string[]).indexOf(extname(name).toLowerCase());

async function trainFolder(folder: string): Promise<string> {
  const { folders } = await listIfThere(folder);
  return join(folder, folders.find(name => splitOf(name) === 'train') ?? 'Train_Folder');
}
