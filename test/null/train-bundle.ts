// Compiles a source of train/ to a module that plain Node can load, for child processes and worker threads. The package's
// build does the same with the same bundler; here only the one entry is made.

import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Bundle {
  /** Of the compiled entry. */
  readonly url: URL;
  remove(): Promise<void>;
}

/** @param entry path from the repository's root */
export async function bundle(entry: string): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'tmca-bundle-'));
  // packages stay imports; Node looks for them from the file upwards
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    assetsInclude: ['**/*.wasm'],
    build: {
      ssr: true,
      target: 'es2022',
      outDir: join(folder, 'out'),
      rolldownOptions: { input: { entry: join(root, entry) }, output: { format: 'es', entryFileNames: '[name].mjs' } },
    },
  });
  const remove = () => rm(folder, { recursive: true, force: true });
  return { url: pathToFileURL(join(folder, 'out', 'entry.mjs')), remove };
}
