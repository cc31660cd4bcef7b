// The package as it names itself in files.

import { readFileSync } from 'node:fs';

const read = (): { name: string; version: string } =>
  // from cli/ and from the built dist/ alike
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { name: string; version: string };

export const packageVersion = (): string => read().version;

/** name@version */
export function packageName(): string {
  const { name, version } = read();
  return `${name}@${version}`;
}
