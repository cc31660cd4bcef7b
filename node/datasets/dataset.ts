// A data set on disk: which image goes with which mask and sentence. Everything is checked before the first image is
// decoded, so that an evaluation of an hour does not end at record 900. Only what was asked for is checked: a fault of the split
// "train" is nothing to an evaluation on "test".

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { MaskSource } from '../images/masks.js';
import type { ShapeMask } from '../images/shapes.js';
import { type Draft, type Layout, type LayoutOptions, named } from './layouts/draft.js';
import { DatasetFiles } from './layouts/files.js';
import { readLayout } from './layouts/index.js';
import { chooseSentence, knowsPrompt } from './layouts/sentence.js';
import { overlaps } from './overlap.js';
import { isOf, renamedSplits, usualSplit } from './splits.js';

export interface DatasetRecord {
  /** One record's alone, among those of its split. */
  readonly id: string;
  /** Absolute path of a file that exists. */
  readonly image: string;
  /** One such file; or several, or shapes, whose union counts. */
  readonly mask: MaskSource;
  readonly split: string;
  /** Empty where the data set is read for a model that reads none. */
  readonly text: string;
  /** Keys that the data set says are true of this record, such as "corner_artefact"; what they mean is its own affair. */
  readonly marks: readonly string[];
}

export interface Dataset {
  readonly name: string;
  /** In the order of the data set; of one split where one was asked for. Never empty. */
  readonly records: readonly DatasetRecord[];
  /** What was taken for granted: one sentence each. */
  readonly notes: readonly string[];
  /** What a user should know before trusting a score: one sentence each. */
  readonly warnings: readonly string[];
}

/** What is read of a data set, beside the split. */
export interface DatasetReading {
  /** Takes the place of every record's own text, which may then be missing: what a model makes of the image. Null: no text. */
  readonly text?: string | null | undefined;
  /** Which of the sentences that a record has by name, as medvlsm's p0 to p9; p6 if not given. */
  readonly prompt?: string | undefined;
  /** COCO's category whose annotations are the mask; all categories if not given. */
  readonly category?: string | undefined;
}

export interface DatasetOptions extends DatasetReading {
  /** All splits if not given. */
  readonly split?: string;
  readonly signal?: AbortSignal;
  /** Given, records at fault are told here, each once, and left out; else they are an error. */
  readonly onFault?: (fault: RecordFault) => void;
}

export interface RecordFault {
  /** As text in messages: quoted, or "record 7" where it has none. */
  readonly id: string;
  readonly fault: string;
}

/** How many faulty records an error names; the others are counted. */
const NAMED = 5;
/** Files looked at at a time. */
const STATS_AT_ONCE = 64;
/** The split of a data set that has none. */
const WHOLE = 'all';

/**
 * Opens a data set folder, in any of the layouts that docs/guide/data.md describes.
 *
 * Errors: FILE_NOT_FOUND (no such folder); DATASET_INVALID, naming the records at fault; ABORTED.
 *
 * @example
 * const { records, notes } = await openDataset('kvasir-seg', { split: 'test' });
 * for (const { image, mask, text } of records) …
 */
export async function openDataset(folder: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { name, layout, all } = await open(folder, options);
  const { split, onFault, signal } = options;
  const chosen = all.filter(draft => split === undefined || !isText(draft.split) || isOf(draft.split, split));
  checkBroken(layout, options);
  if (!chosen.some(draft => isText(draft.split))) failWithoutSplit(all, split, folder);
  checkSentences(layout, all, options, folder);
  const faults = new Faults(onFault);
  const files = new DatasetFiles(folder);
  const checked = new Checker(files, faults, options).checkAll(chosen);
  faults.throwIfAny(chosen.length, folder);
  const records = await findFiles(checked.drafts, files, folder, faults, signal);
  faults.throwIfAny(chosen.length, folder);
  check(records.length > 0, 'DATASET_INVALID', () => {
    return `openDataset: some record must be without fault, got none of ${chosen.length} in ${folder}; mend the data set`;
  });
  const own = (layout.notes ?? []).filter(note => split === undefined || !note.split || isOf(note.split, split));
  const whole = `${name} has no splits: all its ${records.length} records are taken for "${split}"`;
  const taken = layout.whole && split !== undefined && split !== WHOLE ? [whole] : [];
  const notes = [...taken, ...own.map(({ text }) => text), ...checked.notes];
  return { name, records, notes: [...new Set(notes)], warnings: overlaps(all, split) };
}

/** Which splits a data set has, and how many records each, whole ones or not. Errors: as `openDataset`, but for the records'. */
export async function surveyDataset(
  folder: string,
  options: Pick<DatasetOptions, 'category' | 'signal'> = {},
): Promise<{ readonly name: string; readonly splits: Readonly<Record<string, number>> }> {
  const { name, layout, all } = await open(folder, options);
  const splits: Record<string, number> = {};
  for (const { split } of all) if (isText(split)) splits[split] = (splits[split] ?? 0) + 1;
  // what cannot be read is there nevertheless: opening it says why
  for (const { split } of layout.broken ?? []) splits[split] ??= 0;
  return { name, splits };
}

interface Opened {
  readonly name: string;
  readonly layout: Layout;
  /** With the names of splits that the package uses. */
  readonly all: readonly Draft[];
}

async function open(folder: string, options: DatasetOptions): Promise<Opened> {
  await checkFolder(folder);
  const { category, signal } = options;
  const wanted: LayoutOptions = { ...(category !== undefined && { category }), ...(signal && { signal }) };
  const layout = await readLayout(folder, wanted);
  const { drafts, broken = [] } = layout;
  if (drafts.length === 0 && broken.length > 0) throw broken[0]!.error;
  check(drafts.length > 0, 'DATASET_INVALID', `openDataset: a data set must have records, got none in ${folder}`);
  const renamed = renamedSplits(new Set(drafts.flatMap(({ split }) => (isText(split) ? [split] : []))));
  const splitOf = ({ split }: Draft) =>
    layout.whole ? (options.split ?? WHOLE) : (renamed.get(split as string) ?? split);
  return {
    name: layout.name ?? basename(resolve(folder)),
    layout,
    all: drafts.map(draft => ({ ...draft, split: splitOf(draft) })),
  };
}

async function checkFolder(folder: string): Promise<void> {
  const status = await stat(folder).catch((cause: unknown) => {
    const message = `openDataset: the data set folder must exist, got none at ${folder}; check the path`;
    throw new TmcaError('FILE_NOT_FOUND', message, { cause });
  });
  const message = `openDataset: a data set must be a folder, got the file ${folder}; name the folder that holds it`;
  check(status.isDirectory(), 'DATASET_INVALID', message);
}

/** A list that cannot be read ends what needs it. */
function checkBroken({ broken = [] }: Layout, { split, onFault }: DatasetOptions): void {
  const needed = broken.find(part => (split === undefined ? !onFault : isOf(part.split, split)));
  if (needed) throw needed.error;
}

function failWithoutSplit(all: readonly Draft[], split: string | undefined, folder: string): void {
  const counts = new Map<string, number>();
  for (const draft of all) if (isText(draft.split)) counts.set(draft.split, (counts.get(draft.split) ?? 0) + 1);
  // splits that are no text are told as faults of their records
  if (split === undefined || counts.size === 0) return;
  const list = [...counts].map(([name, count]) => `${name} (${count})`).join(', ');
  const alike = [...counts.keys()].filter(name => usualSplit(name) === split);
  const hint = alike.length > 1 ? `; ${alike.join(' and ')} may both be meant: name one of them "${split}"` : '';
  const message = `openDataset: the split must have records, got none in "${split}" of ${folder}; it has ${list}${hint}`;
  throw new TmcaError('DATASET_INVALID', message);
}

function checkSentences(
  { wordless }: Layout,
  all: readonly Draft[],
  { text, prompt }: DatasetReading,
  folder: string,
): void {
  if (text !== undefined) return;
  check(!wordless, 'DATASET_INVALID', () => {
    return `openDataset: a data set without sentences must be given one for all its images, got none for ${folder}; give one, such as --text polyp, or --no-text`;
  });
  if (prompt === undefined) return;
  check(
    all.some(draft => knowsPrompt(draft, prompt)),
    'DATASET_INVALID',
    () => {
      const names = [...new Set(all.flatMap(({ prompts }) => Object.keys(prompts ?? {})))];
      const has =
        names.length > 0 ? `its prompts are ${named(names, 20)}` : 'it has one sentence a record: leave the prompt out';
      return `openDataset: the prompt must be one of the data set, got ${show(prompt)} for ${folder}; ${has}`;
    },
  );
}

/** Collects what is wrong with which record, for one error that names some and counts all. */
class Faults {
  readonly #found: string[] = [];
  readonly #report: DatasetOptions['onFault'];

  constructor(report: DatasetOptions['onFault']) {
    this.#report = report;
  }

  add(id: string, fault: string): void {
    if (this.#report) this.#report({ id, fault });
    else this.#found.push(`${id} (${fault})`);
  }

  throwIfAny(records: number, folder: string): void {
    const count = this.#found.length;
    if (count === 0) return;
    throw new TmcaError(
      'DATASET_INVALID',
      `openDataset: every record must have an id, files inside the folder, a split and a text, got ${count} of ${records} ` +
        `records of ${folder} at fault: ${named(this.#found, NAMED)}; mend or remove them`,
    );
  }
}

/** A record whose fields hold; its files are still to be found. */
interface CheckedDraft extends Omit<DatasetRecord, 'mask'> {
  readonly mask: readonly string[] | ShapeMask;
}

class Checker {
  readonly #seen = new Map<string, string>();
  readonly #twice: string[] = [];
  #several = 0;

  constructor(
    private readonly files: DatasetFiles,
    private readonly faults: Faults,
    private readonly options: DatasetOptions,
  ) {}

  checkAll(drafts: readonly Draft[]): { readonly drafts: readonly CheckedDraft[]; readonly notes: readonly string[] } {
    const checked = drafts.map((draft, i) => this.#check(draft, i)).filter(draft => draft !== null);
    const notes: string[] = [];
    const count = this.#twice.length;
    if (count > 0)
      notes.push(
        `${count} ${count === 1 ? 'record is' : 'records are'} there twice and read once: ${named(this.#twice)}`,
      );
    if (this.#several > 0) notes.push(`${this.#several} records have several sentences: the first of each is read`);
    return { drafts: checked, notes };
  }

  /** Null where it is at fault, which is told, or there already. */
  #check(draft: Draft, i: number): CheckedDraft | null {
    const { id, split, image, marks = [] } = draft;
    const name = isText(id) ? show(id) : `record ${i + 1}`;
    const complain = (fault: string) => {
      this.faults.add(name, fault);
      return null;
    };
    if (!isText(id)) return complain('id is no text');
    if (!isText(split)) return complain('split is no text');
    const sentence = chooseSentence(draft, this.options);
    const content = digest([image, draft.mask, draft.shapes, sentence]);
    // the parts of a split are one where it was asked for
    const key = JSON.stringify([this.options.split ?? split, id]);
    const before = this.#seen.get(key);
    if (before === content) {
      this.#twice.push(name);
      return null;
    }
    if (before !== undefined) return complain('id occurs twice, with another image, mask or text');
    this.#seen.set(key, content);
    if (draft.fault !== undefined) return complain(draft.fault);
    if ('fault' in sentence) return complain(sentence.fault);
    if (sentence.several) this.#several++;
    const { files } = this;
    if (!files.isInside(image)) return complain(`image must lie in the folder, got ${show(image)}`);
    const base = { id, image, split, text: sentence.text, marks };
    if (draft.shapes) return { ...base, mask: draft.shapes };
    const masks: readonly unknown[] = Array.isArray(draft.mask) ? draft.mask : [draft.mask];
    if (masks.length === 0) return complain('mask is an empty list');
    for (const mask of masks)
      if (!files.isInside(mask)) return complain(`mask must lie in the folder, got ${show(mask)}`);
    return { ...base, mask: masks as readonly string[] };
  }
}

/** Polygons are long. */
const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64');

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** The records whose files are all there. */
async function findFiles(
  drafts: readonly CheckedDraft[],
  files: DatasetFiles,
  folder: string,
  faults: Faults,
  signal?: AbortSignal,
): Promise<DatasetRecord[]> {
  const records: DatasetRecord[] = [];
  const look = async ({ image, mask }: CheckedDraft) => {
    const paths = [image, ...('shapes' in mask ? [] : mask)];
    return { paths, found: await Promise.all(paths.map(path => files.find(path))) };
  };
  for (let from = 0; from < drafts.length; from += STATS_AT_ONCE) {
    throwIfAborted(signal, 'openDataset');
    const some = drafts.slice(from, from + STATS_AT_ONCE);
    const looked = await Promise.all(some.map(look));
    for (const [i, draft] of some.entries()) {
      const { paths, found } = looked[i]!;
      const missing = paths.filter((_, p) => found[p] === null);
      const [image, ...masks] = found as string[];
      const mask = 'shapes' in draft.mask ? draft.mask : masks.length === 1 ? masks[0]! : masks;
      if (missing.length === 0) records.push({ ...draft, image: image!, mask });
      else
        faults.add(
          show(draft.id),
          `no file ${missing.map(path => relative(folder, resolve(folder, path))).join(', ')}`,
        );
    }
  }
  return records;
}
