// Where Node keeps what was measured of an adapter: a file for each, in the user's cache folder.

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { TmcaError } from '../../errors/index.js';
import type { TuningStore } from '../../runtime/engines/webgpu/tuning-cache.js';
import { writeFileAtomic } from './files.js';
import { ifThere, readText } from './read-file.js';

/** The folder that the system gives programs for what they can make again; null for a user who has no home folder. */
export function cacheFolder(
  platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home = homeFolder(),
): string | null {
  const given = platform === 'win32' ? env.LOCALAPPDATA : platform === 'darwin' ? undefined : xdg(env.XDG_CACHE_HOME);
  const within =
    platform === 'win32' ? ['AppData', 'Local'] : platform === 'darwin' ? ['Library', 'Caches'] : ['.cache'];
  const base = given || (home && join(home, ...within));
  return base && (platform === 'win32' ? join(base, 'tmca-edge', 'Cache') : join(base, 'tmca-edge'));
}

/** Relative paths do not count (XDG Base Directory Specification): they would be another folder wherever the program is called. */
const xdg = (path: string | undefined): string | undefined => (path && isAbsolute(path) ? path : undefined);

/** A container may run a user that its system does not know, and without HOME nothing tells of a folder then. */
function homeFolder(): string | null {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : null;
  } catch {
    return null;
  }
}

export const tuningFiles = (folder = cacheFolder()): TuningStore => ({
  place: folder ?? NOWHERE,
  read: async name => {
    if (folder === null) return null;
    const kind = { rule: 'tuningFiles: what was measured must be a file', advice: 'remove what is there' };
    return (await ifThere(readText(join(folder, name), kind))) ?? null;
  },
  write: async (name, text) => {
    if (folder === null)
      throw new TmcaError('OUTPUT_NOT_WRITABLE', `tuningFiles: there must be a cache folder, got ${NOWHERE}; set HOME`);
    await writeFileAtomic(join(folder, name), text);
  },
});

/** Where there is no folder. */
export const NOWHERE = 'none (the user has no home folder)';
