// COCO's JSON (cocodataset.org, "Data format"): {images: [{id, file_name, width, height}], annotations: [{image_id, category_id,
// segmentation}], categories: [{id, name}]}, in a file for each split, beside its images (as Roboflow exports them) or in
// annotations/. Annotations of an image are united. Files of captions give the sentences.

import { join, posix } from 'node:path';
import { TmcaError } from '../../../errors/index.js';
import { show } from '../../../errors/show.js';
import { readShape, type Shape } from '../../images/shapes.js';
import { splitOfName } from '../splits.js';
import { type Draft, type Layout, type LayoutReader, named, readParts } from './draft.js';
import { DatasetFiles } from './files.js';
import { fieldsOf, readLongJson } from './json.js';
import { isImageName, listFolder, listIfThere, stemOf } from './names.js';

export const coco: LayoutReader = {
  rule: "COCO's JSON, beside the images or in annotations/",
  async read(folder, { category, signal }) {
    const read = await Promise.all((await findSources(folder)).map(source => readSource(folder, source, signal)));
    const masks = preferred(read.filter(({ json }) => isCoco(json) && hasMasks(json)));
    const captions = read.filter(({ json }) => isCoco(json) && !hasMasks(json) && hasCaptions(json));
    const damaged = read.filter(({ json, path }) => failure(json) && (masks.length > 0 || SPEAKING.test(path)));
    if (masks.length === 0 && damaged.length > 0) throw damaged[0]!.json;
    if (masks.length === 0) return null;
    const parts = [...masks, ...damaged];
    const whole = parts.every(({ split }) => split === null);
    const nameOf = ({ split, path }: Source) => split ?? stemOf(path);
    const files = new DatasetFiles(folder);
    const layout = await readParts(parts.map(nameOf), async (split, i) => {
      const { json, path } = parts[i]!;
      if (failure(json)) throw json;
      const texts = captionsOf(captions.filter(source => nameOf(source) === split || source.split === null));
      return { drafts: await draftsOf(files, json as Coco, { path, split, texts, category }) };
    });
    const wordless = layout.drafts.every(({ text }) => text === undefined);
    return { ...layout, whole, wordless } satisfies Layout;
  },
};

interface Source {
  /** From the data set's folder. */
  readonly path: string;
  readonly split: string | null;
}

interface Coco {
  readonly images: readonly unknown[];
  readonly annotations: readonly unknown[];
  readonly categories?: unknown;
}

/** Names by which a file that cannot be read is known to be of COCO's. */
const SPEAKING = /coco|annotation|instances/i;
/** JSON files of a folder that may be lists of a data set; more of them speak of an image each. */
const MOST_FILES = 32;

interface ReadSource extends Source {
  /** What the file holds, or why it cannot be read. */
  readonly json: unknown;
}

async function readSource(folder: string, source: Source, signal?: AbortSignal): Promise<ReadSource> {
  try {
    return { ...source, json: await readLongJson(join(folder, source.path), signal) };
  } catch (error) {
    if (!failure(error) || failure(error)!.code === 'ABORTED') throw error;
    return { ...source, json: error };
  }
}

const failure = (json: unknown): TmcaError | null => (json instanceof TmcaError ? json : null);

/** JSON files in the folder, in annotations/ and one folder down. */
async function findSources(folder: string): Promise<Source[]> {
  const { folders } = await listFolder(folder);
  const found: Source[] = [];
  for (const place of ['', ...folders]) {
    const { files } = await listIfThere(join(folder, place));
    const lists = files.filter(file => /\.json$/i.test(file));
    for (const name of lists.length > MOST_FILES ? [] : lists) {
      found.push({ path: posix.join(place, name), split: splitOfName(stemOf(name)) ?? splitOfName(place) });
    }
  }
  return found;
}

function isCoco(json: unknown): json is Coco {
  const { images, annotations } = fieldsOf(json);
  return Array.isArray(images) && Array.isArray(annotations);
}

const hasMasks = ({ annotations }: Coco): boolean =>
  annotations.length === 0 || annotations.some(annotation => 'segmentation' in fieldsOf(annotation));
const hasCaptions = ({ annotations }: Coco): boolean =>
  annotations.some(annotation => typeof fieldsOf(annotation).caption === 'string');

/** instances_*, where they are: person_keypoints_* and stuff_* speak of the same images. */
function preferred<T extends Source>(sources: readonly T[]): readonly T[] {
  const instances = sources.filter(({ path }) => /(^|\/)instances/i.test(path));
  return instances.length > 0 ? instances : sources;
}

/** By the image's id. */
function captionsOf(sources: readonly { readonly json: unknown }[]): ReadonlyMap<unknown, string[]> {
  const texts = new Map<unknown, string[]>();
  for (const { json } of sources) {
    for (const annotation of (json as Coco).annotations) {
      const { image_id: image, caption } = fieldsOf(annotation);
      if (typeof caption === 'string') texts.set(image, [...(texts.get(image) ?? []), caption.trim()]);
    }
  }
  return texts;
}

interface About {
  readonly path: string;
  readonly split: string;
  readonly texts: ReadonlyMap<unknown, string[]>;
  readonly category: string | undefined;
}

async function draftsOf(files: DatasetFiles, json: Coco, { path, split, texts, category }: About): Promise<Draft[]> {
  const wanted = category === undefined ? null : categoryIds(json, category, path);
  const byImage = new Map<unknown, Readonly<Record<string, unknown>>[]>();
  for (const annotation of json.annotations.map(fieldsOf)) {
    if (wanted !== null && !wanted.has(annotation.category_id)) continue;
    const list = byImage.get(annotation.image_id);
    if (list) list.push(annotation);
    else byImage.set(annotation.image_id, [annotation]);
  }
  const images = json.images.map(fieldsOf);
  const place = await placeOf(files, images, path, split);
  const count = new Map<unknown, number>();
  for (const { file_name: name } of images) count.set(name, (count.get(name) ?? 0) + 1);
  return images.map(image => {
    const { id, file_name: name, width, height } = image;
    const text = texts.get(id) ?? image.caption ?? image.text;
    const named = typeof name === 'string' ? idOf(name) : name;
    const draft = { id: count.get(name)! > 1 ? `${named} (${String(id)})` : named, split, text };
    const written = typeof name === 'string' && name !== '' ? posix.join(place, name) : name;
    return { ...draft, image: written, ...shapesOf(width, height, byImage.get(id) ?? []) };
  });
}

const idOf = (name: string): string => (isImageName(name) ? name.slice(0, name.lastIndexOf('.')) : name);

function categoryIds(json: Coco, category: string, path: string): ReadonlySet<unknown> {
  const categories = (Array.isArray(json.categories) ? json.categories : []).map(fieldsOf);
  const same = (name: unknown) =>
    typeof name === 'string' && name.trim().toLowerCase() === category.trim().toLowerCase();
  const found = categories.filter(({ name }) => same(name)).map(({ id }) => id);
  if (found.length > 0) return new Set(found);
  const names = categories.map(({ name }) => show(name));
  const message = `openDataset: the category must be one of ${path}, got ${show(category)}; it has ${named(names, 20) || 'none'}`;
  throw new TmcaError('DATASET_INVALID', message);
}

/** The union of an image's annotations; empty where it has none, since it has been looked at. */
function shapesOf(width: unknown, height: unknown, annotations: readonly Readonly<Record<string, unknown>>[]) {
  const side = (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536;
  if (!side(width) || !side(height))
    return { fault: `width and height must be whole numbers, got ${show(width)} and ${show(height)}` };
  const shapes: Shape[] = [];
  for (const { id, segmentation } of annotations) {
    const shape = readShape(segmentation, width, height);
    if ('fault' in shape) return { fault: `annotation ${show(id)} ${shape.fault}` };
    shapes.push(shape);
  }
  return { shapes: { width, height, shapes } };
}

/** Where the images of a file lie: beside it, or where COCO and others put them; the first in which its first image is. */
async function placeOf(
  files: DatasetFiles,
  images: readonly Readonly<Record<string, unknown>>[],
  path: string,
  split: string,
): Promise<string> {
  const own = posix.dirname(path);
  const of = stemOf(path).replace(/^.*_/, '');
  const places = [
    own,
    'images',
    of,
    split,
    `images/${of}`,
    `images/${split}`,
    `${own}/images`,
    '.',
    `${of}/images`,
    `${split}/images`,
  ];
  const first = images.map(({ file_name: name }) => name).find(name => typeof name === 'string');
  for (const place of first === undefined ? [] : places) {
    const image = posix.join(place, first as string);
    if (files.isInside(image) && (await files.find(image))) return place;
  }
  return own;
}
