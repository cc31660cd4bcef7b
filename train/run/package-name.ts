// The package as it names itself in the files that it writes.

import { readOwnFile } from '../../node/disk/read-file.js';
import { packageFile } from '../shipped.js';

/** name@version */
export async function packageName(): Promise<string> {
  const { name, version } = JSON.parse(readOwnFile(new URL(packageFile))) as Record<string, string>;
  return `${name}@${version}`;
}
