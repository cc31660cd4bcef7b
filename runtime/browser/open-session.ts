// Sessions in a browser's page or worker: a model at an address, whose files are kept, or one that is given as files.

import { openModel } from '../session/open.js';
import type { RecoveringSession } from '../session/recovering-session.js';
import type { SessionOptions, StoreChoice } from '../types.js';
import type { GivenFiles } from './given-model.js';
import { browserPlatform } from './platform.js';

/** What a page may ask beyond `SessionOptions`. */
export interface OpenOptions extends SessionOptions {
  /** The model's files, in place of those at its address. */
  readonly files?: GivenFiles;
  readonly store?: StoreChoice;
}

/** Opens the model folder at an address, or the files that are given. See `openModel` for the errors. */
export async function openSession(
  location: string,
  { files, store, ...options }: OpenOptions = {},
): Promise<RecoveringSession> {
  if (files) {
    const io = { ...browserPlatform.io, folder: (await import('./given-folder.js')).givenFolder(files) };
    return openModel(location, { ...browserPlatform, io }, options);
  }
  if (store === 'off') return openModel(location, browserPlatform, options);
  return (await import('./store/open.js')).openStored(location, browserPlatform, options);
}
