// Peers are no dependency of the package: they lie in a folder of their own with its own lock, and are loaded from there.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TmcaError } from '../../errors/index.js';
import { readOwnFile } from '../../node/disk/read-file.js';
import type { OrtModule } from '../peers/ort.js';

export type PeerId = 'ort-webgpu' | 'ort-wasm' | 'ort-cpu';

/** How each peer is loaded and named. */
export const PEERS = {
  'ort-webgpu': { package: 'onnxruntime-node', provider: 'webgpu' },
  'ort-wasm': { package: 'onnxruntime-web', provider: 'wasm' },
  'ort-cpu': { package: 'onnxruntime-node', provider: 'cpu' },
} as const satisfies Record<PeerId, { package: string; provider: string }>;

/** The clone of the repository that this code belongs to, from `devices/node/` and from the built `dist/` alike. */
export function repositoryRoot(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 4; up++) {
    if (existsSync(join(folder, 'devices', 'peer-packages', 'package.json'))) return folder;
    folder = dirname(folder);
  }
  return undefined;
}

/** The commit of that clone; null elsewhere. */
export function commitOf(): string | null {
  // installed somewhere, the package is not the repository around it
  const root = repositoryRoot();
  if (!root) return null;
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: [...stdio] }).trim();
  } catch {
    return null;
  }
}

function peersFolder(): string | undefined {
  const root = repositoryRoot();
  return root && join(root, 'devices', 'peer-packages');
}

/**
 * A module of the peers' folder.
 *
 * @throws TmcaError ENGINE_UNAVAILABLE, where it is not installed
 */
export async function loadPeer<T>(name: string): Promise<T> {
  const folder = peersFolder();
  const missing = (cause?: unknown) =>
    new TmcaError(
      'ENGINE_UNAVAILABLE',
      `bench: the peer ${name} must be installed, got none in ${folder ?? 'this package'}; in a clone of the repository run ` +
        'npm run bench:peers, or compare with --peer none',
      { cause },
    );
  if (!folder) throw missing();
  try {
    // Imported here: at the top, rolldown 1 keeps the module in its runtime chunk as well, which browsers load.
    const { createRequire } = await import('node:module');
    return createRequire(join(folder, 'package.json'))(name) as T;
  } catch (cause) {
    throw missing(cause);
  }
}

/** Errors: as `loadPeer`. */
export const loadOrt = (id: PeerId): Promise<OrtModule> => loadPeer<OrtModule>(PEERS[id].package);

/** The installed version of a peer. */
export function peerVersion(name: string): string {
  const file = join(peersFolder() ?? '.', 'node_modules', name, 'package.json');
  return (JSON.parse(readOwnFile(file)) as { version: string }).version;
}
