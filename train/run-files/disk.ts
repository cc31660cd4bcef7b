// The few things that a run does to its folder's files, as an interface: tests put one in its place that dies at any of them.

import { appendFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { TmcaError } from '../../errors/index.js';

/** Each call is one step that may be the last one: nothing here cleans up after itself. Errors: OUTPUT_NOT_WRITABLE. */
export interface Disk {
  /** With its parents; fine where it is there. */
  mkdir(path: string): Promise<void>;
  /** A whole file, written and on the disk (fsync) when the promise settles; replaces one of that name bit by bit. */
  write(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
  append(path: string, text: string): Promise<void>;
  /** Atomic within a file system; replaces a file, never a folder. */
  rename(from: string, to: string): Promise<void>;
  /** File or folder with all in it; fine where there is none. */
  remove(path: string): Promise<void>;
  /** Makes what was written under this name, or renamed in this folder, outlast a power cut. */
  sync(path: string): Promise<void>;
}

export const nodeDisk: Disk = {
  mkdir: path => named(path, async () => void (await mkdir(path, { recursive: true }))),
  append: (path, text) => named(path, () => appendFile(path, text)),
  rename: (from, to) => named(to, () => rename(from, to)),
  remove: path => named(path, () => rm(path, { recursive: true, force: true })),
  async write(path, chunks) {
    const handle = await named(path, () => open(path, 'w'));
    try {
      // outside of `named`: what the chunks throw is not the disk's fault
      for await (const chunk of chunks) await named(path, () => handle.writeFile(chunk));
      await named(path, () => handle.sync());
    } finally {
      await handle.close();
    }
  },
  async sync(path) {
    // Windows cannot open a folder; there renames are journalled.
    const handle = await open(path, 'r').catch(() => null);
    try {
      await handle?.sync().catch(() => {});
    } finally {
      await handle?.close();
    }
  },
};

/** Runs a file operation for `path` and gives its failure a name. */
export async function named<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'an error';
    throw new TmcaError(
      'OUTPUT_NOT_WRITABLE',
      `RunFolder: ${path} must be writable, got ${code}; check the path, its rights and the free space, then resume`,
      { cause },
    );
  }
}
