// A table of sentences, as LViT has it: Image (the name of the mask or of the image) and Description.

import { show } from '../../../errors/show.js';
import { invalid } from '../../disk/text-file.js';
import { readTable } from '../table.js';
import { NameIndex } from './names.js';

export class Sentences {
  /** In the order of the table; several where it says more than one thing of an image. */
  readonly byName: ReadonlyMap<string, readonly string[]>;
  readonly #index: NameIndex;

  constructor(byName: ReadonlyMap<string, readonly string[]>) {
    this.byName = byName;
    this.#index = new NameIndex(byName.keys());
  }

  /** The sentences of the first of the names that the table has. */
  find(...names: readonly string[]): readonly string[] | undefined {
    for (const name of names) {
      const found = this.#index.find(name);
      if (found.length === 1) return this.byName.get(found[0]!);
    }
    return undefined;
  }
}

/** Errors: DATASET_INVALID, ABORTED. */
export async function readSentences(path: string, signal?: AbortSignal): Promise<Sentences> {
  const [header, ...rows] = await readTable(path, signal);
  const columns = (header?.cells ?? []).map(name => name.trim().toLowerCase());
  const [image, text] = [columns.indexOf('image'), columns.indexOf('description')];
  if (image < 0 || text < 0) {
    throw invalid(
      path,
      'a table with the columns Image and Description',
      show(header?.cells ?? []),
      'name them in its first line',
    );
  }
  const byName = new Map<string, string[]>();
  for (const { cells } of rows) {
    // tables name files, and now and then where they lie
    const name = (cells[image] ?? '').trim().split(/[\\/]/).at(-1)!;
    const sentence = (cells[text] ?? '').trim();
    if (name === '') continue;
    const before = byName.get(name);
    if (!before) byName.set(name, [sentence]);
    else if (!before.includes(sentence)) before.push(sentence);
  }
  return new Sentences(byName);
}
