// Who writes a file: the package and its version.

import { readOwnFile } from '../node/disk/read-file.js';

/** From `cli/` and from the built `dist/` alike. */
export function version(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readOwnFile(file)) as { version: string }).version;
}

/** For manifests: name@version. */
export const packageVersion = (): string => `tmca-edge@${version()}`;
