// What a model folder is to its reader: names that open as byte sources. The same code reads disk and web through it.

import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import { type ByteSource, fetchSource, type ReadOptions } from '../safetensors/index.js';

export interface FolderReader {
  /** The file of that name, or null where the folder has none. */
  open(name: string): Promise<ByteSource | null>;
}

/** A SHA-256 in the making. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** 64 digits in lower case. Once, at the end. */
  hex(): string;
}

/** What `openModelFolder` needs of its platform: `webIo` here, `nodeIo` in node. */
export interface FolderIo {
  folder(location: string, options: ReadOptions): FolderReader;
  /** Whether it is the package's own model. Not given where packages have no place, as in browsers. */
  isShipped?(location: string): boolean;
  /** A function of its own, because Node has a native one and browsers have none that takes a stream. */
  sha256(): Hash;
}

/** Files of a folder on a server. A query (a signature, a version) stays at the end of each file's address. */
export function webFolder(location: string, options: ReadOptions = {}): FolderReader {
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(location) ?? [];
  return { open: name => fetchSource(`${path.replace(/\/*$/, '/')}${encodeURIComponent(name)}${query}`, options) };
}

/** Folders by their address, with `fetch`. */
export const webIo: FolderIo = {
  folder: webFolder,
  sha256: () => {
    const hash = sha256.create();
    return { update: bytes => hash.update(bytes), hex: () => bytesToHex(hash.digest()) };
  },
};
