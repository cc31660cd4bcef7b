// Model folders in Node: paths and file: addresses on disk, http(s) addresses with fetch.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FolderIo, type FolderReader, webFolder } from '../model-folder/index.js';
import { diskSource } from './files.js';

/** Files of a folder on disk. */
export function diskFolder(path: string): FolderReader {
  return { open: name => diskSource(join(path, name)) };
}

/** For `openModelFolder` in Node. */
export const nodeIo: FolderIo = {
  folder(location, options) {
    if (/^https?:\/\//i.test(location)) return webFolder(location, options);
    return diskFolder(/^file:\/\//i.test(location) ? fileURLToPath(location) : location);
  },
  sha256() {
    const hash = createHash('sha256');
    return { update: bytes => hash.update(bytes), hex: () => hash.digest('hex') };
  },
};
