// The page, in development (`npm start`) and as static files (`npm run build:demo`, into build/demo). Models and samples stay where they
// are in the repository: served from there in development, copied beside the page when it is built.

import { createReadStream } from 'node:fs';
import { cp, stat } from 'node:fs/promises';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const repository = fileURLToPath(new URL('..', import.meta.url));

const TYPES: Record<string, string> = {
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
};

/** Answers `/FOLDER/…` from the repository: a missing file is a 404, never the page's own HTML, which a loader might take for a file. */
function serveFolder(folder: string): Connect.NextHandleFunction {
  const base = join(repository, folder) + sep;
  return async (request, response, next) => {
    const [address = ''] = (request.url ?? '').split(/[?#]/);
    // Not `use('/FOLDER', …)`, for which connect also takes /FOLDER.ts.
    if (!address.startsWith(`/${folder}/`)) return next();
    const path = normalize(join(repository, unescaped(address)));
    const info = path.startsWith(base) ? await stat(path).catch(() => undefined) : undefined;
    if (!info?.isFile()) {
      response.statusCode = 404;
      return void response.end('not found');
    }
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.setHeader('Content-Length', info.size);
    createReadStream(path)
      .on('error', () => response.destroy())
      .pipe(response);
  };
}

/** Empty, so that it is not found, for an address that is no valid escape. */
function unescaped(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return '';
  }
}

function repositoryFolders(...folders: string[]): Plugin {
  let built = '';
  return {
    name: 'repository-folders',
    configResolved({ root, build }) {
      built = resolve(root, build.outDir);
    },
    configureServer(server) {
      for (const folder of folders) server.middlewares.use(serveFolder(folder));
    },
    async closeBundle() {
      for (const folder of folders) {
        const from = join(repository, folder);
        if (await stat(from).catch(() => undefined)) await cp(from, join(built, folder), { recursive: true });
      }
    },
  };
}

/** What a page needs to have shared memory, hence threads in wasm. Without them, one thread runs. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  root,
  // Relative addresses: the built page works in any folder of any server.
  base: './',
  appType: 'mpa',
  publicDir: false,
  plugins: [repositoryFolders('models', 'samples')],
  // For `import url from './x.wasm.deflate?inline'`.
  assetsInclude: ['**/*.deflate'],
  worker: { format: 'es' },
  build: { outDir: join(repository, 'build', 'demo'), emptyOutDir: true, target: 'es2022' },
  server: { host: '127.0.0.1', fs: { allow: [repository] }, headers: isolation },
  preview: { headers: isolation },
});
