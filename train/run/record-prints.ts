// What a run's records are, so that a resumed run notices every change of them: a print each of the sentence, of the image and
// of the mask. Opening a split decodes every picture anyway, so the prints are of the pixels that the network is shown, and cost
// no reading of their own: a file that is copied, touched or packed anew without loss stays the same.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { parseJson } from '../../formats/checked-json.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { LIST_BYTES, readText } from '../../node/disk/read-file.js';
import type { TrainingData } from '../data/index.js';

const Print = v.strictTuple([v.string(), v.string(), v.string(), v.string()]);
const File = v.record(v.string(), v.array(Print));
const PARTS = ['text', 'image', 'mask'] as const;

/** By split, in the order of the data set: id, and prints of text, image and mask. */
export type RecordPrints = v.InferOutput<typeof File>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const printsOf = (splits: readonly TrainingData[]): RecordPrints =>
  Object.fromEntries(
    splits.map(data => [
      data.records[0]!.split,
      data.records.map(record => {
        const { picture, mask } = data.printsOf(record);
        return [record.id, sha256(record.text).slice(0, 16), picture, mask] as const;
      }),
    ]),
  ) as RecordPrints;

/** One for all: what a checkpoint keeps. */
export const digestOf = (prints: RecordPrints): string => `${SCHEME}${sha256(JSON.stringify(prints)).slice(0, 32)}`;

const SCHEME = 'pixels:';
/** False for that of an earlier version, which told of ids and texts alone. */
export const isComparable = (digest: unknown): boolean => typeof digest === 'string' && digest.startsWith(SCHEME);

const fileIn = (folder: string): string => join(folder, 'records.json');

/** Errors: OUTPUT_NOT_WRITABLE. */
export const writePrints = (folder: string, prints: RecordPrints): Promise<void> =>
  writeFileAtomic(fileIn(folder), `${JSON.stringify(prints)}\n`);

/** What has changed since the run began, record by record; as good as it can be told where records.json is gone. */
export async function changesSince(folder: string, now: RecordPrints): Promise<readonly string[]> {
  const rule = "train: records.json must tell of a run's records";
  const fail = (got: string) => new TmcaError('FILE_UNREADABLE', `${rule}, got ${got}; restore it`);
  try {
    const before = parseJson(
      await readText(fileIn(folder), { rule, advice: 'restore it', limit: LIST_BYTES }),
      File,
      fail,
    );
    const changes = changesBetween(before, now);
    return changes.length > 0 ? changes : ['another order of them'];
  } catch (error) {
    if (error instanceof TmcaError) return ['others, which without records.json cannot be named'];
    throw error;
  }
}

export function changesBetween(before: RecordPrints, now: RecordPrints): string[] {
  const splits = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return splits.flatMap(split => {
    const old = new Map((before[split] ?? []).map(([id, ...prints]) => [id, prints]));
    const changes = (now[split] ?? []).flatMap(([id, ...prints]) => {
      const known = old.get(id);
      old.delete(id);
      if (!known) return [`a new record ${show(id)} in ${show(split)}`];
      const parts = PARTS.filter((_, i) => prints[i] !== known[i]);
      return parts.length > 0 ? [`another ${parts.join(' and ')} of ${show(id)}`] : [];
    });
    return [...changes, ...[...old.keys()].map(id => `no record ${show(id)} in ${show(split)}`)];
  });
}
