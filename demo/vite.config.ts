// The page, in development (`npm start`) and as static files (`npm run build:demo`, into build/demo). Models and samples stay where they
// are in the repository: served from there in development, copied beside the page when it is built.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, readdir, stat } from 'node:fs/promises';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig, type Plugin } from 'vite';
import { policy } from './policy.js';

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

/** Larger files are kept by the service worker when the page says that its engine needs them. */
const LARGE = 1_000_000;

/** Puts the names of the build's files and their hash into its service worker. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
      { tag: 'meta', attrs: { name: 'service-worker', content: './sw.js' }, injectTo: 'head' },
    ],
    async generateBundle(_, bundle) {
      const worker = bundle['sw.js'];
      if (worker?.type !== 'chunk') return;
      const hash = createHash('sha256');
      const files = ['./'];
      const large: string[] = [];
      for (const [name, file] of Object.entries(bundle).sort(([a], [b]) => a.localeCompare(b))) {
        const content = file.type === 'chunk' ? file.code : file.source;
        hash.update(name).update(content);
        if (file !== worker && name !== 'index.html') (content.length < LARGE ? files : large).push(name);
      }
      for (const folder of ['demo/public', 'samples'])
        for (const name of await readdir(join(repository, folder)))
          if (!name.endsWith('.md')) files.push(folder === 'samples' ? `samples/${name}` : name);
      const listed = (place: string, names: readonly string[]) => {
        const before = worker.code;
        worker.code = before.replace(new RegExp(`(["'\`])\\[\\\\?"${place}\\\\?"\\]\\1`), () =>
          JSON.stringify(JSON.stringify(names)),
        );
        if (worker.code === before) throw new Error(`the service worker must have a place for ${place}`);
      };
      listed('__FILES__', files);
      listed('__LARGE__', large);
      worker.code = worker.code.replace('__BUILD__', hash.digest('hex').slice(0, 16));
    },
  };
}

/** What a page needs to have shared memory, hence threads in wasm. Without them, one thread runs. */
const headers = {
  'Content-Security-Policy': policy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  root,
  // Relative addresses: the built page works in any folder of any server.
  base: './',
  appType: 'mpa',
  publicDir: 'public',
  plugins: [repositoryFolders('models', 'samples'), offline()],
  // For `import url from './x.wasm.deflate?inline'`.
  assetsInclude: ['**/*.deflate'],
  worker: { format: 'es' },
  build: {
    outDir: join(repository, 'build', 'demo'),
    emptyOutDir: true,
    target: 'es2022',
    rolldownOptions: {
      input: { index: join(root, 'index.html'), sw: join(root, 'service-worker.ts') },
      // A service worker looks after the folder that it lies in.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { host: '127.0.0.1', fs: { allow: [repository] }, headers },
  preview: { headers },
});
