// What is on the shelf. A file lies there in pieces; `blob-SHA256` lists those of a whole file, whose hash was compared, `part-KEY` those
// of one that is still arriving, and `model-KEY` says which files a model folder had when it was last looked at. Records are put after
// what they name and removed before it, so that a page may end at any moment: what no record names is swept away later.

import type { Shelf } from './shelf.js';
import type { Locks } from './tabs.js';

export interface Pieces {
  readonly id: string;
  /** Bytes of each. */
  readonly sizes: readonly number[];
}

export interface Part extends Pieces {
  readonly model: string;
  readonly file: string;
  /** What a server must confirm before it goes on; null where a hash will tell. */
  readonly validator: string | null;
}

/** Headers by which a file is recognised at its address. */
export interface Facts {
  readonly etag: string | null;
  readonly modified: string | null;
  readonly length: string | null;
}

export const UNKNOWN: Facts = { etag: null, modified: null, length: null };

export interface FileRecord extends Facts {
  readonly sha256: string;
}

export interface ModelRecord {
  /** What its address has in common with those that differ in their query: signatures, versions. */
  readonly group: string;
  /** When it was last changed, in milliseconds. */
  readonly at: number;
  /** Null: the folder has no such file. */
  readonly files: Readonly<Record<string, FileRecord | null>>;
}

export interface ModelKey {
  readonly model: string;
  readonly group: string;
}

/** Addresses that differ in their query alone, of which the latest are remembered. */
const MOST_QUERIES = 8;

export const pieceName = ({ id }: Pieces, index: number): string => `piece-${id}-${index}`;

export const bytesOf = ({ sizes }: Pieces): number => sizes.reduce((sum, size) => sum + size, 0);

/** A name that says nothing of the address. */
export async function keyOf(address: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(address));
  return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
}

/** What a model is called here, by the address of its folder. */
export async function modelKey(address: string): Promise<ModelKey> {
  const [model, group] = await Promise.all([keyOf(address), keyOf(address.replace(/\?.*$/s, ''))]);
  return { model, group };
}

export const newPart = (model: string, file: string, validator: string | null): Part => ({
  id: crypto.randomUUID().replaceAll('-', ''),
  sizes: [],
  ...{ model, file, validator },
});

export class Records {
  constructor(
    readonly shelf: Shelf,
    private readonly locks: Locks,
  ) {}

  blob(sha256: string): Promise<Pieces | null> {
    return this.#read(`blob-${sha256}`);
  }

  part(key: string): Promise<Part | null> {
    return this.#read(`part-${key}`);
  }

  model(key: string): Promise<ModelRecord | null> {
    return this.#read(`model-${key}`);
  }

  putPart(key: string, part: Part): Promise<void> {
    return this.#write(`part-${key}`, part);
  }

  /**
   * Says what the folder has under that name, and makes `pieces`, where given, the file of that hash. Parts of it that were begun are
   * removed, and what no folder refers to any more.
   */
  async commit({ model, group }: ModelKey, file: string, record: FileRecord | null, pieces?: Pieces): Promise<void> {
    const before = (await this.model(model))?.files[file];
    if (!pieces && JSON.stringify(before) === JSON.stringify(record)) return;
    await this.#alone(async () => {
      if (record && pieces && !(await this.blob(record.sha256))) {
        const names = new Set(await this.shelf.names());
        const whole = pieces.sizes.every((_, index) => names.has(pieceName(pieces, index)));
        if (!whole) throw new Error('it was removed while it arrived');
        await this.#write(`blob-${record.sha256}`, { id: pieces.id, sizes: pieces.sizes });
      }
      const { files } = (await this.model(model)) ?? { files: {} };
      await this.#write(`model-${model}`, { group, at: Date.now(), files: { ...files, [file]: record } });
      await this.#removeParts(part => (part.model === model && part.file === file) || part.id === pieces?.id);
      await this.#thinOut(group);
      await this.#sweep();
    });
  }

  /** Removes what was found to be damaged. */
  async drop(names: Iterable<string>): Promise<void> {
    await this.#alone(async () => {
      for (const name of names) await this.shelf.remove(name);
      await this.#sweep();
    });
  }

  /** Removes a model, or all of them. @returns the bytes that are free now */
  async forget(model?: string): Promise<number> {
    return this.#alone(async () => {
      const before = await this.#bytes();
      if (model === undefined) for (const name of await this.shelf.names()) await this.shelf.remove(name);
      else {
        await this.shelf.remove(`model-${model}`);
        await this.#removeParts(part => part.model === model);
        await this.#sweep();
      }
      return before - (await this.#bytes());
    });
  }

  /** An address with a signature is another one at each loading. */
  async #thinOut(group: string): Promise<void> {
    const models = (await this.#all<ModelRecord>('model-')).filter(([, record]) => record.group === group);
    models.sort(([, a], [, b]) => b.at - a.at);
    for (const [name] of models.slice(MOST_QUERIES)) await this.shelf.remove(name);
  }

  async #removeParts(isOne: (part: Part) => boolean): Promise<void> {
    for (const [name, part] of await this.#all<Part>('part-')) if (isOne(part)) await this.shelf.remove(name);
  }

  /** Files that no model has, and pieces that no record lists: names first, since a piece comes after its record. */
  async #sweep(): Promise<void> {
    const names = await this.shelf.names();
    const models = await this.#all<ModelRecord>('model-');
    const known = new Set(models.flatMap(([, { files }]) => Object.values(files).map(file => `blob-${file?.sha256}`)));
    for (const [name] of await this.#all('blob-')) if (!known.has(name)) await this.shelf.remove(name);
    const listed = [...(await this.#all<Pieces>('blob-')), ...(await this.#all<Pieces>('part-'))];
    const ids = new Set(listed.map(([, { id }]) => id));
    for (const name of names) {
      const id = /^piece-(\w+)-/.exec(name)?.[1];
      if (id && !ids.has(id)) await this.shelf.remove(name);
    }
  }

  async #bytes(): Promise<number> {
    const listed = [...(await this.#all<Pieces>('blob-')), ...(await this.#all<Pieces>('part-'))];
    return listed.reduce((sum, [, pieces]) => sum + bytesOf(pieces), 0);
  }

  async #all<T>(prefix: string): Promise<[name: string, record: T][]> {
    const found: [string, T][] = [];
    for (const name of await this.shelf.names()) {
      const record = name.startsWith(prefix) ? await this.#read<T>(name) : null;
      if (record) found.push([name, record]);
    }
    return found;
  }

  async #read<T>(name: string): Promise<T | null> {
    const bytes = await this.shelf.get(name);
    try {
      return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as T);
    } catch {
      return null; // damaged: as if it were not there
    }
  }

  #write(name: string, record: object): Promise<void> {
    return this.shelf.put(name, new TextEncoder().encode(JSON.stringify(record)));
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.locks.take('tmca-edge store');
    try {
      return await work();
    } finally {
      release();
    }
  }
}
