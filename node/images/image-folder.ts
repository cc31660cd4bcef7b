// The images of a folder, in the order in which a person counts: "frame 2" before "frame 10".

import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { openToRead } from '../disk/read-file.js';
import type { FileNote } from '../notes.js';
import { foreignKind, HEAD_BYTES, isReadable } from './image-kinds.js';

export interface ImageFolder {
  /** Paths. */
  readonly images: readonly string[];
  /** Files that are left out, by what they are; those that systems leave everywhere are not told. */
  readonly others: readonly FileNote[];
}

/** Files and folders that Windows, macOS, archives and editors put beside a user's own, in lower case. */
const SYSTEM = new Set([
  'thumbs.db',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'desktop.ini',
  'icon\r',
  '$recycle.bin',
  '__macosx',
]);
/** Whether a name is none of the user's: one of those, one that begins with a dot, a backup. */
export const isOfTheSystem = (name: string): boolean =>
  name.startsWith('.') || name.endsWith('~') || SYSTEM.has(name.toLowerCase());

/** Said to be images: one that is none, or damaged, is an error and not left out. */
const EXTENSIONS = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  '.bmp',
  '.dib',
]);

const inOrder = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

/**
 * What of a folder is an image, by its name or its first bytes. Folders inside are not entered.
 *
 * Errors: those of the file system.
 */
export async function imagesIn(folder: string): Promise<ImageFolder> {
  const names = (await readdir(folder)).filter(name => !isOfTheSystem(name));
  names.sort((a, b) => inOrder(a, b) || (a < b ? -1 : 1));
  const images: string[] = [];
  const others: FileNote[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const status = await stat(path).catch(() => null);
    if (!status?.isFile()) continue;
    const head = await headOf(path);
    if (EXTENSIONS.has(extname(name).toLowerCase()) || isReadable(head)) images.push(path);
    else others.push({ file: path, text: `left out: it is ${foreignKind(head)?.name ?? 'no image'}` });
  }
  return { images, others };
}

async function headOf(path: string): Promise<Buffer> {
  const file = await openToRead(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
