// The package as it names itself in the files that it writes.

import { readFile } from 'node:fs/promises';
import { packageFile } from '../shipped.js';

/** name@version */
export async function packageName(): Promise<string> {
  const { name, version } = JSON.parse(await readFile(new URL(packageFile), 'utf8')) as Record<string, string>;
  return `${name}@${version}`;
}
