// How data sets lie on disk: each layout is a reader that gives drafts of records, unchecked. They are tried in this order, and the
// first that finds what it looks for is taken.

import { TmcaError } from '../../../errors/index.js';
import { coco } from './coco.js';
import type { Layout, LayoutOptions, LayoutReader } from './draft.js';
import { folders } from './folders.js';
import { languidemedseg } from './languidemedseg.js';
import { lvit } from './lvit.js';
import { medvlsm } from './medvlsm.js';
import { own } from './own.js';

const LAYOUTS: readonly LayoutReader[] = [own, medvlsm, lvit, languidemedseg, folders, coco];

/** Errors: DATASET_INVALID, ABORTED. */
export async function readLayout(folder: string, options: LayoutOptions): Promise<Layout> {
  // annotations of one category are COCO's alone
  for (const layout of options.category === undefined ? LAYOUTS : [coco]) {
    const found = await layout.read(folder, options);
    if (found !== null) return found;
  }
  if (options.category !== undefined) {
    const message = `openDataset: a category may be chosen where a data set is ${coco.rule}, got ${JSON.stringify(options.category)} for ${folder}; leave it out`;
    throw new TmcaError('DATASET_INVALID', message);
  }
  const looked = LAYOUTS.map(({ rule }) => rule).join('; ');
  const message = `openDataset: ${folder} must hold a data set, got none of what was looked for: ${looked}; see docs/guide/data.md, or write a dataset.json: {"name", "records": [{"id", "image", "mask", "split", "text"}]}`;
  throw new TmcaError('DATASET_INVALID', message);
}
