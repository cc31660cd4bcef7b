// Folders of images beside folders of masks, without sentences: images/ and masks/ (Kvasir-SEG as downloaded), Original/ and
// Ground Truth/ (CVC-ClinicDB), TrainDataset/ and TestDataset/SET/ with image(s)/ and masks/ (PraNet), images/train/ and
// masks/train/, ISIC's *_Input/ and *_GroundTruth/. Lists such as train.txt and test.txt beside them (Kvasir-Instrument) say which
// image belongs to which split.

import { join } from 'node:path';
import { TmcaError } from '../../../errors/index.js';
import { readListText } from '../../disk/text-file.js';
import { splitOfName, usualSplit } from '../splits.js';
import { type Draft, type Layout, type LayoutReader, type Note, named } from './draft.js';
import { faultOf, maskless } from './lvit.js';
import { isImageName, type Listing, listFolder, NameIndex, stemOf } from './names.js';
import { pairUp } from './pairs.js';

const IMAGES = /^(images?|imgs?|originals?|inputs?|frames?|.*_input)$/i;
const MASKS = /^(masks?|gts?|ground[-_ ]?truths?|labels?|segmentations?|.*_ground_?truth)$/i;
/** A file format for a folder's name: the same pictures once more. */
const FORMATS = /^(png|tiff?|jpe?g|bmp)$/i;
/** Folders below the data set's: TestDataset/Kvasir/images has two above it. */
const DEPTH = 3;

interface Group {
  /** Folders of images and masks, from the data set's. */
  readonly images: string;
  readonly masks: string;
  /** Folders above them, or that both have within. */
  readonly way: readonly string[];
}

export const folders: LayoutReader = {
  rule: 'images/ and masks/, or Original/ and Ground Truth/, side by side, here or in folders of splits',
  async read(folder, { signal }) {
    const groups = await groupsBelow(folder, [], DEPTH);
    if (groups.length === 0) return null;
    checkFormats(folder, groups);
    const parts = await Promise.all(groups.map(group => readGroup(folder, group)));
    const drafts = parts.flatMap(part => part.drafts);
    if (drafts.length === 0) return null;
    const notes = parts.flatMap(part => part.notes);
    const whole = groups.every(({ way }) => splitOf(way) === null);
    const listed = whole ? await bySplitLists(folder, drafts, signal) : null;
    return listed
      ? { drafts: listed, notes: notes.map(({ text }) => ({ text })), wordless: true }
      : ({ drafts, notes, whole, wordless: true } satisfies Layout);
  },
};

/** Records of no list. */
const UNLISTED = 'unlisted';

/** The records by the lists of names that lie in the data set's folder; null where there are none. */
async function bySplitLists(folder: string, drafts: readonly Draft[], signal?: AbortSignal): Promise<Draft[] | null> {
  const { files } = await listFolder(folder);
  const lists = files.filter(name => /\.txt$/i.test(name) && splitOfList(name) !== null);
  if (lists.length === 0) return null;
  const index = new NameIndex(drafts.map(({ id }) => String(id)));
  const splits = new Map<string, string[]>();
  for (const list of lists) {
    const text = await readListText(join(folder, list), signal);
    const names = text.split(/\r?\n|\r/).map(line => line.trim().split(/[\\/]/).at(-1)!);
    for (const name of names.filter(name => name !== '')) {
      const [id] = index.find(isImageName(name) ? stemOf(name) : name);
      if (id !== undefined) splits.set(id, [...(splits.get(id) ?? []), splitOfList(list)!]);
    }
  }
  return drafts.flatMap(draft =>
    [...new Set(splits.get(String(draft.id)) ?? [UNLISTED])].map(split => ({ ...draft, split })),
  );
}

const splitOfList = (name: string): string | null => usualSplit(stemOf(name));

async function groupsBelow(folder: string, way: readonly string[], depth: number): Promise<Group[]> {
  const inside = await listFolder(join(folder, ...way));
  const images = inside.folders.filter(name => IMAGES.test(name));
  const masks = inside.folders.filter(name => MASKS.test(name) && !images.includes(name));
  const paired = couples(images, masks);
  if (images.length > 0 && masks.length > 0 && paired === null) {
    const message = `openDataset: a folder must have one folder of images and one of masks, got ${named([...images, ...masks], 6)} in ${join(folder, ...way)}; move the others away`;
    throw new TmcaError('DATASET_INVALID', message);
  }
  if (paired !== null && paired.length > 0) {
    const found = await Promise.all(paired.map(pair => within(folder, way, pair)));
    return found.flat();
  }
  if (depth === 0) return [];
  const below = await Promise.all(inside.folders.map(name => groupsBelow(folder, [...way, name], depth - 1)));
  return below.flat();
}

interface Couple {
  readonly images: string;
  readonly masks: string;
  /** What tells it from the others beside it. */
  readonly name: string | null;
}

/** One of each; or as many of each, which speak of the same splits or are alike but for their last word. Null where neither holds. */
function couples(images: readonly string[], masks: readonly string[]): Couple[] | null {
  if (images.length === 0 || masks.length === 0) return [];
  const name = (folder: string) => splitOfName(folder) ?? folder.replace(/_?(input|ground_?truth)$/i, '');
  if (images.length === 1 && masks.length === 1) {
    return [{ images: images[0]!, masks: masks[0]!, name: splitOfName(images[0]!) }];
  }
  const made = images.map(image => ({ image, fitting: masks.filter(mask => name(mask) === name(image)) }));
  const clear = images.length === masks.length && made.every(({ fitting }) => fitting.length === 1);
  return clear ? made.map(({ image, fitting }) => ({ images: image, masks: fitting[0]!, name: name(image) })) : null;
}

/** The two folders themselves, and folders of the same name within both. */
async function within(folder: string, way: readonly string[], couple: Couple): Promise<Group[]> {
  const images = join(...way, couple.images);
  const masks = join(...way, couple.masks);
  const [of, truth] = await Promise.all([images, masks].map(path => listFolder(join(folder, path))));
  const above = couple.name === null ? way : [...way, couple.name];
  const own = has(of!) && has(truth!) ? [{ images, masks, way: above }] : [];
  const shared = of!.folders.filter(name => truth!.folders.includes(name));
  return [
    ...own,
    ...shared.map(name => ({ images: join(images, name), masks: join(masks, name), way: [...above, name] })),
  ];
}

const has = ({ files }: Listing): boolean => files.some(isImageName);

const splitOf = (way: readonly string[]): string | null => way.map(splitOfName).find(split => split !== null) ?? null;

function checkFormats(folder: string, groups: readonly Group[]): void {
  const formats = groups.flatMap(({ way }) => way.filter(name => FORMATS.test(name)).map(() => join(folder, ...way)));
  if (formats.length < 2) return;
  const message = `openDataset: images must be there in one file format, got folders of several: ${formats.join(', ')}; name one of them as the data set`;
  throw new TmcaError('DATASET_INVALID', message);
}

async function readGroup(folder: string, { images, masks, way }: Group) {
  const [of, truth] = await Promise.all([images, masks].map(path => listFolder(join(folder, path))));
  const { pairs, alone } = pairUp(of!.files.filter(isImageName), truth!.files.filter(isImageName));
  const usual = splitOf(way);
  const subset = way.filter(name => splitOfName(name) === null);
  const split = usual === null ? subset.join('/') : [usual, ...subset].join('/');
  const drafts = pairs.map((pair): Draft => {
    const image = pair.image ?? pair.masks[0]!;
    const id = [...subset, stemOf(image)].join('/');
    return { id, image: join(images, image), mask: pair.masks.map(mask => join(masks, mask)), split, ...faultOf(pair) };
  });
  const others = [...of!.files, ...truth!.files].filter(name => !isImageName(name));
  const notes: Note[] = [];
  if (alone.length > 0) notes.push({ ...maskless(images, alone), split });
  if (others.length > 0)
    notes.push({
      text: `files beside the images of ${images} that are no images are left out: ${named(others)}`,
      split,
    });
  return { drafts, notes };
}
