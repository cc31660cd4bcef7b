// The package's build: eight ES module entries and the chunks that they share, so that a TmcaError thrown by one entry is
// an instance of the class that another exports. The page has a configuration of its own (demo/vite.config.ts).

import { relative } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import { optionalPackages } from './errors/optional-package.js';
import { staticImports } from './tools/check-imports.mjs';
import { wgsl } from './tools/minify-wgsl.js';

const entries = {
  index: 'runtime/index.ts',
  worker: 'runtime/browser/worker.ts',
  node: 'node/index.ts',
  language: 'language/index.ts',
  train: 'train/index.ts',
  'train-node': 'train/run/index.ts',
  cli: 'cli/main.ts',
  // The thread that decodes training images; DecodePool names it as its neighbour.
  'decode-worker': 'train/data/decode-worker.ts',
};

/**
 * What the worker loads beyond the page. Two chunks of it, what training needs as well and the rest: left to itself, the bundler
 * splits it along what each command needs, and a worker pays some three kilobytes for that.
 */
const page = staticImports('.', entries.index);
/** Reached by the worker through index files, and used by others alone: shaken out of a bundle, but not out of a chunk. */
const unused = [
  'formats/safetensors/write.ts',
  'graph/map-layout.ts',
  'runtime/engines/webgpu/run-graph.ts',
  'assembly/metrics.ts',
  'assembly/rle.ts',
];
const worker = [...staticImports('.', entries.worker)].filter(
  file => file !== entries.worker && !unused.includes(file),
);
const command = staticImports('.', entries.cli);
const training = staticImports('.', entries.train);
/** What a page loads of the worker's when it asks what a browser can do, or forgets a model: without the engines around it. */
const asked = ['runtime/browser/capabilities.ts', 'runtime/browser/store/forget.ts'].flatMap(file => [
  ...staticImports('.', file),
]);
const beyond = worker.filter(file => !page.has(file) && !command.has(file) && !asked.includes(file));
const engine = new Set(beyond.filter(file => training.has(file)));
const session = new Set(beyond.filter(file => !training.has(file)));
/** What both load: one chunk of it too, with what `tmca --help` loads of the worker's, which would have all of that for it. */
const both = new Set(worker.filter(file => page.has(file) || command.has(file)));

const fileOf = (id: string): string => relative('.', id).split('?')[0]!.replaceAll('\\', '/');

const isEngine = (id: string): boolean => engine.has(fileOf(id)) || /^node_modules\/@noble\//.test(fileOf(id));
const isBoth = (id: string): boolean => both.has(fileOf(id)) || /^node_modules\/comlink\//.test(fileOf(id));

/** What every bundler needs to hear before it lets an address be: Vite, webpack, Turbopack. */
const IGNORED = '/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ ';

/**
 * Puts the comments back into `import(address)`: the minifier strips them, and bundlers would then look for the address when they
 * build. Only runtime/import-address.ts has such an import, in a chunk of its own, whose source map may shift.
 */
function keepIgnored(): Plugin {
  return {
    name: 'keep-ignored',
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle))
        if (chunk.type === 'chunk') chunk.code = chunk.code.replace(/\bimport\((?=[\w$])/g, `import(${IGNORED}`);
    },
  };
}

export default defineConfig({
  plugins: [wgsl(), keepIgnored()],
  // For `import url from './x.wasm.deflate?inline'`: without this, Vite reads the bytes as JavaScript.
  assetsInclude: ['**/*.deflate'],
  build: {
    // "ssr" is Vite's word for plain modules: no preload helper that needs a document, and `new URL('./worker.js',
    // import.meta.url)` is left for the user's own bundler. The browser entries are checked by tools/check-budgets.mjs.
    ssr: true,
    target: 'es2022',
    minify: true,
    sourcemap: true,
    // What of other packages is in the files, and on what terms.
    license: { fileName: 'LICENSES.md' },
    outDir: 'dist',
    rolldownOptions: {
      input: entries,
      // Everything in one folder: code may name its neighbours (`./worker.js`, `../models/`) from any chunk.
      output: {
        // Positions in our sources, for stack traces; not the sources.
        sourcemapExcludeSources: true,
        ...{ format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunk-[name]-[hash].js' },
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'engine', test: isEngine },
            { name: 'session', test: id => session.has(fileOf(id)) },
            { name: 'both', test: isBoth },
            { name: 'adapter', test: id => asked.includes(fileOf(id)) && worker.includes(fileOf(id)) },
            { name: 'import-address', test: /\/runtime\/import-address\.ts$/ },
          ],
        },
      },
    },
  },
  // A browser has no node_modules, so what it loads is bundled; so is the rest, but what is CommonJS or has code for one platform.
  // The latter its user installs where it is needed (errors/optional-package.ts).
  ssr: { noExternal: true, external: ['cli-progress', 'commander', ...Object.keys(optionalPackages)] },
});
