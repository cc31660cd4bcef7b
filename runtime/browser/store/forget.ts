// Frees what was kept.

import { TmcaError } from '../../../errors/index.js';
import { addressOf } from '../../../formats/model-folder/address.js';
import { modelKey, Records } from './records.js';
import { openShelf } from './shelf.js';
import { webLocks } from './tabs.js';

/** @param location address of a model folder; all of them where it is left out. @returns the bytes that are free now */
export async function forget(location?: string): Promise<number> {
  const shelf = await openShelf();
  if (typeof shelf === 'string') return 0;
  const records = new Records(shelf, webLocks(navigator.locks));
  try {
    return await records.forget(location === undefined ? undefined : (await modelKey(addressOf(location, ''))).model);
  } catch (cause) {
    const todo = 'close other pages of this site, or clear its data in the settings of the browser';
    throw new TmcaError(
      'OUTPUT_NOT_WRITABLE',
      `Segmenter.forget: the browser must let files be removed, got "${cause}"; ${todo}`,
      { cause },
    );
  }
}
