// Where Node keeps what was measured of an adapter: a file for each, in the user's cache folder.

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TuningStore } from '../webgpu/tuning-cache.js';
import { writeFileAtomic } from './files.js';

/** The folder that the system gives programs for what they can make again. */
export function cacheFolder(platform = process.platform, env: NodeJS.ProcessEnv = process.env): string {
  const home = homedir();
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'tmca-edge', 'Cache');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'tmca-edge');
  return join(env.XDG_CACHE_HOME || join(home, '.cache'), 'tmca-edge');
}

export const tuningFiles = (folder = cacheFolder()): TuningStore => ({
  place: folder,
  read: name =>
    readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      throw error;
    }),
  write: (name, text) => writeFileAtomic(join(folder, name), text),
});
