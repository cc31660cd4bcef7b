// Compiles a source of train/ to a module that plain Node can load, for child processes and worker threads. The package's
// build does the same with the same bundler: all entries and the chunks that they share in one folder.

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Bundle {
  /** The address of a compiled entry. */
  url(name: string): URL;
  remove(): Promise<void>;
}

/** @param entries paths from the repository's root, by the names that they get */
export async function bundle(entries: Readonly<Record<string, string>>): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'tmca-bundle-'));
  // packages stay imports; Node looks for them from the file upwards
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const input = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)]));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    assetsInclude: ['**/*.deflate'],
    build: {
      ssr: true,
      target: 'es2022',
      outDir: join(folder, 'dist'),
      rolldownOptions: {
        input,
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunk-[name]-[hash].js' },
      },
    },
  });
  return {
    url: name => pathToFileURL(join(folder, 'dist', `${name}.js`)),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
