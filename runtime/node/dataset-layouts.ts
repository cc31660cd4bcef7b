// How data sets lie on disk: each layout is a reader that gives drafts of records, unchecked. A layout is recognised by the
// files that it must have.

import { readdir, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { check, TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { LIST_BYTES, readJson, readText } from './read-file.js';
import { parseTable } from './table.js';

/** What a file says of a record; anything may be missing or of any type. Paths are relative to the data set's folder. */
export interface Draft {
  readonly id?: unknown;
  readonly image?: unknown;
  readonly mask?: unknown;
  readonly split?: unknown;
  readonly text?: unknown;
  readonly marks?: readonly string[];
}

export interface Layout {
  readonly name?: string;
  readonly drafts: readonly Draft[];
}

/** Errors: DATASET_INVALID, UNSUPPORTED. */
export async function readLayout(folder: string): Promise<Layout> {
  if (await exists(join(folder, 'dataset.json'))) return readOwn(folder);
  if (await exists(join(folder, 'anns'))) return readMedvlsm(folder);
  if (await exists(join(folder, 'Test_Folder'))) return readLvit(folder);
  throw new TmcaError(
    'DATASET_INVALID',
    `openDataset: ${folder} must hold dataset.json, anns/ (medvlsm) or Test_Folder/ (LViT), got none of them; ` +
      'write a dataset.json: {"name", "records": [{"id", "image", "mask", "split", "text"}]}',
  );
}

async function readOwn(folder: string): Promise<Layout> {
  const json = await readList(join(folder, 'dataset.json'));
  const { name, records } = (json ?? {}) as { name?: unknown; records?: unknown };
  const message = `openDataset: dataset.json must be {"name", "records": […]}, got no list of records in ${folder}`;
  check(Array.isArray(records), 'DATASET_INVALID', message);
  // A list may hold anything: null becomes a draft without fields, which the checks then name.
  const drafts = records.map((record): Draft => {
    const fields = Object.entries(record ?? {});
    const marks = fields.filter(([, value]) => value === true).map(([key]) => key);
    return { ...Object.fromEntries(fields), marks };
  });
  return typeof name === 'string' ? { name, drafts } : { drafts };
}

/**
 * medvlsm (Poudel et al. 2023; github.com/naamiinepal/medvlsm, DATASETS.MD): anns/{train,val,test}.json are lists of
 * {img_name, mask_name, prompts: {p0 … p9}} for files in images/ and masks/. p6 is the paper's style: number, size, colour,
 * shape and place. Where a prompt is a list of variants, the first is taken, so that every run reads the same.
 */
async function readMedvlsm(folder: string): Promise<Layout> {
  const drafts: Draft[] = [];
  for (const split of ['train', 'val', 'test']) {
    const path = join(folder, 'anns', `${split}.json`);
    if (!(await exists(path))) continue;
    const entries = await readList(path);
    check(
      Array.isArray(entries),
      'DATASET_INVALID',
      `openDataset: ${path} must be a list of captions, got another value`,
    );
    for (const entry of entries) {
      const { img_name: image, mask_name: mask, prompts } = (entry ?? {}) as Record<string, unknown>;
      const prompt = (prompts as { p6?: unknown } | undefined)?.p6;
      const text = Array.isArray(prompt) ? prompt[0] : prompt;
      const within = (part: string, name: unknown) => (typeof name === 'string' && name ? `${part}/${name}` : name);
      const id = typeof image === 'string' ? parse(image).name : image;
      drafts.push({ id, image: within('images', image), mask: within('masks', mask), split, text });
    }
  }
  return { drafts };
}

/**
 * LViT (Li et al. 2023; github.com/HUANGLIZI/LViT, README): {Train,Val,Test}_Folder with img/, labelcol/ and a table of
 * Image (the mask's file name) and Description. QaTa-COV19 names masks `mask_` + the image's name, and has one table for
 * training and validation, Train_Val_text.
 */
async function readLvit(folder: string): Promise<Layout> {
  const drafts: Draft[] = [];
  for (const [split, part] of [
    ['train', 'Train'],
    ['val', 'Val'],
    ['test', 'Test'],
  ] as const) {
    const within = `${part}_Folder`;
    if (!(await exists(join(folder, within)))) continue;
    const texts = await readLvitTexts(folder, part);
    const images = new Set(await list(join(folder, within, 'img')));
    for (const mask of await list(join(folder, within, 'labelcol'))) {
      const image = [mask, mask.replace(/^mask_/, '')].find(name => images.has(name)) ?? mask;
      const files = { image: `${within}/img/${image}`, mask: `${within}/labelcol/${mask}` };
      drafts.push({ id: parse(image).name, ...files, split, text: texts.get(mask) ?? texts.get(image) });
    }
  }
  return { drafts };
}

async function readLvitTexts(folder: string, part: 'Train' | 'Val' | 'Test'): Promise<ReadonlyMap<string, string>> {
  const names = part === 'Test' ? ['Test_text'] : [`${part}_text`, 'Train_Val_text'];
  const places = names.flatMap(name => [join(folder, `${part}_Folder`, name), join(folder, name)]);
  // Train_Val_text lies in Train_Folder in some copies, and serves Val_Folder too.
  if (part === 'Val') places.push(join(folder, 'Train_Folder', 'Train_Val_text'));
  for (const place of places) {
    if (await exists(`${place}.csv`)) return readTexts(`${place}.csv`);
  }
  for (const place of places) {
    if (!(await exists(`${place}.xlsx`))) continue;
    const hint = `save it as ${place}.csv (UTF-8, with the columns Image and Description)`;
    throw new TmcaError(
      'UNSUPPORTED',
      `openDataset: texts must be a CSV file, got the spreadsheet ${place}.xlsx; ${hint}`,
    );
  }
  const message = `openDataset: ${part}_Folder must come with its texts, got no ${names.join('.csv or ')}.csv in ${folder}`;
  throw new TmcaError('DATASET_INVALID', message);
}

async function readTexts(path: string): Promise<ReadonlyMap<string, string>> {
  const [header = [], ...rows] = parseTable(
    await readText(path, {
      ...{ rule: 'openDataset: a table must be CSV in UTF-8', advice: 'save it again as CSV UTF-8' },
      ...{ invalid: 'DATASET_INVALID', limit: LIST_BYTES },
    }),
  );
  const columns = header.map(name => name.trim().toLowerCase());
  const [image, text] = [columns.indexOf('image'), columns.indexOf('description')];
  const message = `openDataset: ${path} must have the columns Image and Description, got ${show(header)}`;
  check(image >= 0 && text >= 0, 'DATASET_INVALID', message);
  return new Map(rows.map(row => [(row[image] ?? '').trim(), (row[text] ?? '').trim()]));
}

const readList = (path: string): Promise<unknown> =>
  readJson(path, {
    ...{ rule: 'openDataset: a list of records must be JSON in UTF-8', advice: 'mend the file' },
    ...{ invalid: 'DATASET_INVALID', limit: LIST_BYTES },
  });

/** Sorted, because folders list in any order; without files of the system such as .DS_Store. */
async function list(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new TmcaError('DATASET_INVALID', `openDataset: ${folder} must be a folder of images, got none`, { cause });
  });
  return names.filter(name => !name.startsWith('.')).sort();
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
