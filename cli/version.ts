// Who writes a file: the package and its version.

import { readFileSync } from 'node:fs';

/** From `cli/` and from the built `dist/` alike. */
export function version(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** For manifests: name@version. */
export const packageVersion = (): string => `tmca-edge@${version()}`;
