// Opens a model whose files the browser keeps: those that are there are not fetched again.

import { TmcaError } from '../../../errors/index.js';
import type { StoreInfo } from '../../../formats/loading.js';
import { type FolderIo, webFolder } from '../../../formats/model-folder/index.js';
import { openModel, type Platform } from '../../session/open.js';
import type { RecoveringSession } from '../../session/recovering-session.js';
import type { SessionOptions } from '../../types.js';
import { StoredFolder } from './folder.js';
import { openShelf } from './shelf.js';
import { webChannel, webLocks } from './tabs.js';

/** What a damaged file can end in, after which what was kept is not used again. */
const DAMAGED: readonly string[] = [
  'FILE_UNREADABLE',
  'SAFETENSORS_INVALID',
  'CONFIG_INVALID',
  'VOCABULARY_INVALID',
  'MODEL_INCOMPLETE',
  'MODEL_MISMATCH',
  'MODEL_NOT_FINITE',
  'MANIFEST_MISMATCH',
];

/** As `openModel`, with the shelf that this browser has. Errors: those of `openModel`. */
export async function openStored(
  location: string,
  platform: Platform,
  options: SessionOptions,
): Promise<RecoveringSession> {
  const shelf = await openShelf();
  if (typeof shelf === 'string') return openModel(location, { ...platform, io: unkept(platform.io, shelf) }, options);
  // A session that opens its model again, on another device, is nobody's loading.
  let { onProgress } = options;
  const tell: typeof onProgress = step => onProgress?.(step);
  const parts = { shelf, locks: webLocks(navigator.locks), channel: webChannel(), onProgress: tell };
  const session = await openWith(
    ({ signal }) => new StoredFolder(location, { ...parts, fetching: { signal } }),
    folder => openModel(location, { ...platform, io: { ...platform.io, folder } }, options),
  );
  onProgress = undefined;
  return session;
}

/**
 * Opens with a folder whose files are kept, and once more without those that it was given of the shelf, if what came of them was wrong.
 *
 * @param open opens a model with such folders
 */
export async function openWith<T>(
  make: (options: Parameters<FolderIo['folder']>[1]) => StoredFolder,
  open: (folder: FolderIo['folder']) => Promise<T>,
): Promise<T> {
  let last: StoredFolder | undefined;
  const folder: FolderIo['folder'] = (_, options) => {
    last = make(options);
    return last;
  };
  try {
    return await open(folder);
  } catch (error) {
    const isDamage = error instanceof TmcaError && DAMAGED.includes(error.code);
    if (!isDamage || !(await last?.discard())) throw error;
    return open(folder);
  }
}

/** Folders of a browser that keeps nothing. */
function unkept(io: FolderIo, note: string): FolderIo {
  const info: StoreInfo = { place: null, by: 'address', downloaded: 0, kept: 0, note };
  return { ...io, folder: (location, options) => ({ ...webFolder(location, options), store: () => info }) };
}
