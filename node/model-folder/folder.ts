// Model folders in Node: paths and file: addresses on disk, http(s) addresses with fetch.

import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FolderIo, type FolderReader, webFolder } from '../../formats/model-folder/index.js';
import { diskSource } from '../disk/files.js';

/** Files of a folder on disk. */
export function diskFolder(path: string): FolderReader {
  return { open: name => diskSource(join(path, name)) };
}

const isAddress = (location: string): boolean => /^https?:\/\//i.test(location);

export const pathOf = (location: string): string => (/^file:\/\//i.test(location) ? fileURLToPath(location) : location);

/** Links followed; the path itself where there is nothing. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** The folder of the small trained model that the package ships: beside `dist/`, or two above this file. */
export function shippedModel(): string {
  const [built, source] = ['../models/nano', '../../models/nano'].map(to =>
    fileURLToPath(new URL(to, import.meta.url)),
  );
  return existsSync(built!) ? built! : source!;
}

/** For `openModelFolder` in Node. */
export const nodeIo: FolderIo = {
  folder(location, options) {
    return isAddress(location) ? webFolder(location, options) : diskFolder(pathOf(location));
  },
  isShipped: location => !isAddress(location) && realPath(pathOf(location)) === realPath(shippedModel()),
  sha256() {
    const hash = createHash('sha256');
    return { update: bytes => hash.update(bytes), hex: () => hash.digest('hex') };
  },
};
