// Our own: dataset.json, {"name", "records": [{"id", "image", "mask", "split", "text"}]}.

import { join } from 'node:path';
import { check } from '../../../errors/index.js';
import type { Draft, LayoutReader } from './draft.js';
import { exists } from './files.js';
import { fieldsOf, readJsonList } from './json.js';

export const own: LayoutReader = {
  rule: 'dataset.json',
  async read(folder, { signal }) {
    const path = join(folder, 'dataset.json');
    if (!(await exists(path))) return null;
    const { name, records } = fieldsOf(await readJsonList(path, signal));
    const message = `openDataset: dataset.json must be {"name", "records": […]}, got no list of records in ${folder}; correct it`;
    check(Array.isArray(records), 'DATASET_INVALID', message);
    const drafts = records.map((record): Draft => {
      const { id, image, mask, split, text, prompts, ...fields } = fieldsOf(record);
      const marks = Object.entries(fields).filter(([, value]) => value === true);
      return { id, image, mask, split, text, prompts, marks: marks.map(([key]) => key) };
    });
    return typeof name === 'string' ? { name, drafts } : { drafts };
  },
};
