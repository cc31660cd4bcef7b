// Frees what was kept.

import { addressOf } from '../../../formats/model-folder/address.js';
import { keyOf, Records } from './records.js';
import { openShelf } from './shelf.js';
import { webLocks } from './tabs.js';

/** @param location address of a model folder; all of them where it is left out. @returns the bytes that are free now */
export async function forget(location?: string): Promise<number> {
  const shelf = await openShelf();
  if (typeof shelf === 'string') return 0;
  const records = new Records(shelf, webLocks(navigator.locks));
  return records.forget(location === undefined ? undefined : await keyOf(addressOf(location, '')));
}
