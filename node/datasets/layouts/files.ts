// From paths as a data set writes them to files that are there.

import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep, win32 } from 'node:path';
import { listIfThere, NameIndex } from './names.js';

/**
 * The files of one data set. A path is taken as it is written where such a file exists; else with Windows' separators, with its
 * letters composed otherwise, without extension or in other capitals, where that names one file alone.
 */
export class DatasetFiles {
  readonly #folder: string;
  readonly #listed = new Map<string, Promise<NameIndex>>();

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  /** Whether a path stays within the folder: a data set may come from anywhere. */
  isInside(path: unknown): path is string {
    if (typeof path !== 'string' || path.trim() === '' || path.includes('\0')) return false;
    return spellings(path).every(spelling => {
      if (isAbsolute(spelling) || win32.isAbsolute(spelling) || /^[a-z]:/i.test(spelling)) return false;
      const way = relative(this.#folder, resolve(this.#folder, spelling));
      return !(way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way));
    });
  }

  /** The absolute path, or null where no file, or more than one, is meant. */
  async find(path: string): Promise<string | null> {
    for (const spelling of spellings(path)) {
      const direct = resolve(this.#folder, spelling);
      if (await isFile(direct)) return direct;
    }
    const parts = relative(this.#folder, resolve(this.#folder, spellings(path).at(-1)!)).split(sep);
    let at = this.#folder;
    for (const part of parts) {
      const found = (await this.#index(at)).find(part, true);
      if (found.length !== 1) return null;
      at = join(at, found[0]!);
    }
    return (await isFile(at)) ? at : null;
  }

  #index(folder: string): Promise<NameIndex> {
    const known = this.#listed.get(folder);
    if (known) return known;
    const made = listIfThere(folder).then(({ folders, files }) => new NameIndex([...folders, ...files]));
    this.#listed.set(folder, made);
    return made;
  }
}

/** A backslash may belong to a name, but hardly ever does. */
const spellings = (path: string): readonly string[] =>
  path.includes('\\') ? [path, path.replaceAll('\\', '/')] : [path];

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    status => status.isFile(),
    () => false,
  );

/** A file or a folder. */
export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
