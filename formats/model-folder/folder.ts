// What a model folder is to its reader: names that open as byte sources. The same code reads disk and web through it.

import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import type { StoreInfo } from '../loading.js';
import { type ByteSource, fetchSource, type ReadOptions } from '../safetensors/index.js';
import { addressOf } from './address.js';
import type { Hash } from './hash.js';
import type { ManifestEntry } from './manifest.js';

export interface FolderReader {
  /** The file of that name, or null where the folder has none. @param expected what it will be held to, where that is known */
  open(name: string, expected?: ManifestEntry): Promise<ByteSource | null>;
  /** Where the files were taken from, of a folder that may have been kept. */
  store?(): StoreInfo;
}

/** What `openModelFolder` needs of its platform: `webIo` here, `nodeIo` in node. */
export interface FolderIo {
  folder(location: string, options: ReadOptions): FolderReader;
  /** Whether it is the package's own model. Not given where packages have no place, as in browsers. */
  isShipped?(location: string): boolean;
  /** A function of its own, because Node has a native one and browsers have none that takes a stream. */
  sha256(): Hash;
}

/** Files of a folder on a server. */
export const webFolder = (location: string, options: ReadOptions = {}): FolderReader => ({
  open: name => fetchSource(addressOf(location, name), options),
});

/** Folders by their address, with `fetch`. */
export const webIo: FolderIo = {
  folder: webFolder,
  sha256: () => {
    const hash = sha256.create();
    return { update: bytes => hash.update(bytes), hex: () => bytesToHex(hash.digest()) };
  },
};
