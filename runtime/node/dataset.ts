// A data set on disk: which image goes with which mask and sentence. Everything is checked before the first image is
// decoded, so that an evaluation of an hour does not end at record 900.

import { stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type Draft, readLayout } from './dataset-layouts.js';

export interface DatasetRecord {
  readonly id: string;
  /** Absolute paths of files that exist. */
  readonly image: string;
  readonly mask: string;
  readonly split: string;
  readonly text: string;
  /** Keys that the data set says are true of this record, such as "corner_artefact"; what they mean is its own affair. */
  readonly marks: readonly string[];
}

export interface Dataset {
  readonly name: string;
  /** In the order of the data set; of one split where one was asked for. Never empty. */
  readonly records: readonly DatasetRecord[];
}

export interface DatasetOptions {
  /** All splits if not given. */
  readonly split?: string;
  /** Takes the place of every record's own text, which may then be missing: what a model makes of the image alone. */
  readonly text?: string;
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

/**
 * Opens a data set folder: our `dataset.json`, medvlsm's (`anns/SPLIT.json`, `images/`, `masks/`; Kvasir-SEG, BKAI), or
 * LViT's (`Test_Folder/img`, `labelcol` and `Test_text.csv`; QaTa-COV19, MosMedData+). `dataset.json` goes first.
 *
 * Errors: FILE_NOT_FOUND (no such folder); DATASET_INVALID, naming the records at fault; UNSUPPORTED (spreadsheets); ABORTED.
 *
 * @example
 * const { records } = await openDataset('kvasir-seg', { split: 'test' });
 * for (const { image, mask, text } of records) …
 */
export async function openDataset(folder: string, options: DatasetOptions = {}): Promise<Dataset> {
  await checkFolder(folder);
  const { name, drafts } = await readLayout(folder);
  check(drafts.length > 0, 'DATASET_INVALID', `openDataset: a data set must have records, got none in ${folder}`);
  const faults = new Faults(options.onFault);
  const seen = new Set<string>();
  // told one by one, faults of a split that was not asked for are nobody's business
  const others = options.onFault ? new Faults(() => {}) : faults;
  const isOther = ({ split }: Draft) => options.split !== undefined && isText(split) && split !== options.split;
  const replaced = options.text === undefined ? {} : { text: options.text };
  const all = drafts
    .map((draft, i) => checkRecord({ ...draft, ...replaced }, i, folder, seen, isOther(draft) ? others : faults))
    .filter(record => record !== null);
  faults.throwIfAny(drafts.length, folder);
  const records = options.split === undefined ? all : chooseSplit(all, options.split, folder);
  const missing = await checkFiles(records, folder, faults, options.signal);
  faults.throwIfAny(records.length, folder);
  const whole = records.filter(record => !missing.has(record));
  check(whole.length > 0, 'DATASET_INVALID', () => {
    return `openDataset: some record must be without fault, got none of ${records.length} in ${folder}; mend the data set`;
  });
  return { name: name ?? basename(resolve(folder)), records: whole };
}

async function checkFolder(folder: string): Promise<void> {
  const status = await stat(folder).catch((cause: unknown) => {
    const message = `openDataset: the data set folder must exist, got none at ${folder}; check the path`;
    throw new TmcaError('FILE_NOT_FOUND', message, { cause });
  });
  const message = `openDataset: a data set must be a folder, got the file ${folder}; name the folder that holds it`;
  check(status.isDirectory(), 'DATASET_INVALID', message);
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
    const named = this.#found.slice(0, NAMED).join(', ') + (count > NAMED ? ` and ${count - NAMED} more` : '');
    throw new TmcaError(
      'DATASET_INVALID',
      `openDataset: every record must have an id, files inside the folder, a split and a text, got ${count} of ${records} ` +
        `records of ${folder} at fault: ${named}; mend or remove them`,
    );
  }
}

function checkRecord(draft: Draft, i: number, folder: string, seen: Set<string>, faults: Faults): DatasetRecord | null {
  const { id, split, text } = draft;
  const name = isText(id) ? show(id) : `record ${i + 1}`;
  const before = seen.size;
  const complain = (fault: string) => {
    faults.add(name, fault);
    return null;
  };
  if (!isText(id)) return complain('id is no text');
  if (seen.add(id).size === before) return complain('id occurs twice');
  if (!isText(split)) return complain('split is no text');
  if (!isText(text)) return complain('text is empty');
  const image = inside(draft.image, folder);
  if (image === null) return complain(`image must lie in the folder, got ${show(draft.image)}`);
  const mask = inside(draft.mask, folder);
  if (mask === null) return complain(`mask must lie in the folder, got ${show(draft.mask)}`);
  return { id, image, mask, split, text, marks: draft.marks ?? [] };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** The absolute path, or null where it would leave the folder: a data set may come from anywhere. */
function inside(path: unknown, folder: string): string | null {
  if (!isText(path) || path.includes('\0') || isAbsolute(path)) return null;
  const absolute = resolve(folder, path);
  const way = relative(resolve(folder), absolute);
  const leaves = way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  return leaves ? null : absolute;
}

function chooseSplit(records: readonly DatasetRecord[], split: string, folder: string): readonly DatasetRecord[] {
  const chosen = records.filter(record => record.split === split);
  if (chosen.length > 0) return chosen;
  const counts = new Map<string, number>();
  for (const record of records) counts.set(record.split, (counts.get(record.split) ?? 0) + 1);
  const list = [...counts].map(([name, count]) => `${name} (${count})`).join(', ');
  const message = `openDataset: the split must have records, got none in "${split}" of ${folder}; it has ${list}`;
  throw new TmcaError('DATASET_INVALID', message);
}

/** The records of which a file is missing. */
async function checkFiles(
  records: readonly DatasetRecord[],
  folder: string,
  faults: Faults,
  signal?: AbortSignal,
): Promise<ReadonlySet<DatasetRecord>> {
  const incomplete = new Set<DatasetRecord>();
  const isFile = (path: string) =>
    stat(path).then(
      status => status.isFile(),
      () => false,
    );
  for (let from = 0; from < records.length; from += STATS_AT_ONCE) {
    throwIfAborted(signal, 'openDataset');
    const some = records.slice(from, from + STATS_AT_ONCE);
    const there = await Promise.all(some.map(({ image, mask }) => Promise.all([isFile(image), isFile(mask)])));
    for (const [i, record] of some.entries()) {
      const { id, image, mask } = record;
      const [hasImage, hasMask] = there[i]!;
      const missing = [hasImage ? [] : image, hasMask ? [] : mask].flat().map(path => relative(folder, path));
      if (missing.length === 0) continue;
      incomplete.add(record);
      faults.add(show(id), `no file ${missing.join(', ')}`);
    }
  }
  return incomplete;
}
