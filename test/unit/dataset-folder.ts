// A data set's folder for one test, made by code.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** `path` is the folder while a test runs. */
export function datasetFolder() {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'tmca-dataset-'));
  });
  afterEach(() => rm(path, { recursive: true }));
  return {
    get path() {
      return path;
    },
    /** Writes files; values that are neither text nor bytes become JSON. */
    async write(files: Record<string, unknown>): Promise<void> {
      for (const [name, content] of Object.entries(files)) {
        const file = join(path, name);
        await mkdir(dirname(file), { recursive: true });
        const plain = typeof content === 'string' || content instanceof Uint8Array;
        await writeFile(file, plain ? content : JSON.stringify(content));
      }
    },
  };
}

/** Empty files: opening a data set decodes nothing. */
export const emptyFiles = (...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map(name => [name, '']));
