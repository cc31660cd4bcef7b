// Imports go down, never up, sideways or round in a circle, and no file is too long: `node tools/check-imports.mjs` (part of
// `npm run check`).
//
// Reads the sources as text, without a compiler: comments are cut out and every `from '…'`, `import '…'` and
// `import('…')` is taken, so the whole repository is checked in a fraction of a second. Both rules hold for types and for
// lazy imports too: a reader has to follow them just the same.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Height of each room; a file may import its own room and lower ones. The longest matching prefix counts. */
export const layers = {
  errors: 0,
  // The compiled module; no source imports anything from there but assembly/instance.ts.
  build: 0,
  // The shipped model: its manifest is read when the package is built.
  models: 0,
  gpu: 1,
  assembly: 1,
  language: 1,
  graph: 2,
  networks: 3,
  formats: 4,
  runtime: 5,
  node: 6,
  train: 7,
  reports: 8,
  quantize: 9,
  convert: 9,
  devices: 9,
  cli: 10,
  demo: 10,
  // Not shipped: these look at everything, and nothing above looks at them.
  tools: 11,
  'devices/tools': 12,
  test: 13,
};

/**
 * Circles that stay, each with its reason: the files of one count as one file, so that no other may come into the circle.
 *
 * The table of ops is closed: the name and the attributes of every op are known to the compiler from that one table, so the
 * types of a graph's nodes follow from it, while each rule in it is written with the builder and over those nodes.
 */
const argued = [{ name: 'graph/ops', files: /^graph\/(?:(?:graph|rule|builder|training-builder)\.ts$|ops\/)/ }];

/** Folders that run in Node alone. Any other file may be loaded by a browser and must not import these packages at its top. */
const nodeFolders = [
  'node',
  'cli',
  'train/data',
  'train/run',
  'train/run-files',
  'train/study',
  'train/torch',
  'reports',
  'convert',
  'quantize',
  'devices/node',
  'devices/tools',
  'tools',
  'test',
];
const nodePackages = /^(node:.*|sharp|webgpu|commander|cli-progress)$/;

/**
 * What opens a file to read it waits for ever at a pipe and fills the memory from a device, so it lies in these files alone;
 * the others go through node/disk/read-file.ts or `diskSource`. Tools, tests and the page's server read what is ours.
 */
const readers = ['node/disk/read-file.ts', 'node/disk/files.ts', 'train/run-files/disk.ts', 'train/run-files/lock.ts'];
const unbounded = /^(readFile|readFileSync|createReadStream|open|openSync|openAsBlob|promises|default|\*)$/;

/** A file has one idea, and no more lines than these; a longer one is split by idea. */
const MOST_LINES = 400;

const layerOf = path =>
  Object.keys(layers)
    .filter(layer => path.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];

/**
 * Imports of one source text: `{ specifier, type, dynamic }`.
 *
 * @param {string} source
 */
export function importsOf(source) {
  const found = [];
  // One alternation, so that `//` inside a string is not a comment and an import inside a comment is not an import.
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\b(import|export)(\s+type\b)?(?:\s+|\s*(?=[{*'"]))((?:[\w*${},\s]|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*?\bfrom\s*)?(['"])([^'"\n]+)\4|\bimport\s*\(\s*(['"])([^'"\n]+)\6|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
  for (const [, keyword, type, , , specifier, , dynamic] of source.matchAll(token)) {
    if (keyword) found.push({ specifier, type: type !== undefined, dynamic: false });
    else if (dynamic) found.push({ specifier: dynamic, type: false, dynamic: true });
  }
  return found;
}

/**
 * A file and all that it loads at once: imports of values, not those of types, which leave nothing, nor lazy ones.
 *
 * @param {string} root of the repository
 * @param {string} entry path from there
 * @returns {Set<string>}
 */
export function staticImports(root, entry) {
  const found = new Set();
  const visit = file => {
    if (found.has(file)) return;
    found.add(file);
    if (!file.endsWith('.ts')) return;
    for (const { specifier, type, dynamic } of importsOf(readFileSync(join(root, file), 'utf8'))) {
      if (type || dynamic || !specifier.startsWith('.')) continue;
      visit(posix.join(posix.dirname(file), specifier.split('?')[0]).replace(/\.js$/, '.ts'));
    }
  };
  visit(entry);
  return found;
}

/**
 * Every broken rule, one sentence each.
 *
 * @param {Map<string, string>} sources repository path (with `/`) to source text
 * @returns {string[]}
 */
export function checkImports(sources) {
  const problems = [];
  const edges = new Map();
  for (const [path, source] of sources) {
    const node = nodeOf(path);
    const targets = edges.get(node) ?? new Set();
    edges.set(node, targets);
    problems.push(...readingProblems(path, source), ...lengthProblem(path, source));
    for (const found of importsOf(source)) {
      if (!found.specifier.startsWith('.')) {
        if (!found.type && !found.dynamic) problems.push(...packageProblem(path, found.specifier));
        continue;
      }
      const target = posix.join(posix.dirname(path), found.specifier.split('?')[0]);
      problems.push(...layerProblem(path, target));
      const file = [target, target.replace(/\.js$/, '.ts'), `${target}.ts`].find(name => sources.has(name));
      if (file !== undefined && (file === path || nodeOf(file) !== node)) targets.add(nodeOf(file));
    }
  }
  return [
    ...problems,
    ...cycles(edges).map(
      cycle => `${cycle.join(' → ')}: imports must not form a cycle; move what is shared below both`,
    ),
  ];
}

/** A file, or the argued circle that it is part of. */
const nodeOf = file => argued.find(({ files }) => files.test(file))?.name ?? file;

function layerProblem(path, target) {
  if (target === 'package.json') return []; // data
  const [from, to] = [layerOf(path), layerOf(target)];
  if (from === undefined || to === undefined) {
    const outside = from === undefined ? path : target;
    return [
      `${path} → ${target}: ${outside} belongs to no layer; add its folder to the table in tools/check-imports.mjs`,
    ];
  }
  if (from === to || layers[to] < layers[from]) return [];
  return [`${path} → ${target}: ${from} must not import ${to}; imports go down`];
}

function readingProblems(path, source) {
  if (readers.includes(path) || /^(tools|devices\/tools|test|demo)\//.test(path)) return [];
  const named = [...source.matchAll(/^import\s+(?!type\b)([^'";]*?)\s+from\s+['"](?:node:)?fs(?:\/promises)?['"]/gm)];
  const names = named.flatMap(([, clause]) =>
    clause.startsWith('{')
      ? clause
          .replace(/[{}\s]/g, ' ')
          .split(',')
          .map(name => name.trim().split(/\s/)[0])
      : ['*'],
  );
  if (/\bimport\(\s*['"](?:node:)?fs(?:\/promises)?['"]/.test(source)) names.push('*');
  return names
    .filter(name => unbounded.test(name))
    .map(name => `${path}: ${name} of node:fs must not read here; use node/disk/read-file.ts, which cannot hang`);
}

function lengthProblem(path, source) {
  const lines = source.trimEnd().split('\n').length;
  return lines > MOST_LINES ? [`${path}: a file may have ${MOST_LINES} lines, got ${lines}; split it by idea`] : [];
}

function packageProblem(path, specifier) {
  if (nodeFolders.some(folder => path.startsWith(`${folder}/`)) || !nodePackages.test(specifier)) return [];
  // demo/vite.config.ts and its like run in Node.
  if (/\.config\.ts$/.test(path)) return [];
  return [
    `${path} → ${specifier}: a browser may load this file; import it under ${nodeFolders.slice(0, 2).join(' or ')}, or lazily by import()`,
  ];
}

/** Cycles found by one depth-first walk: none are found exactly when there are none. Each starts and ends at one file. */
function cycles(edges) {
  const found = [];
  const state = new Map();
  const stack = [];
  const visit = file => {
    state.set(file, 'open');
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      if (state.get(next) === 'open') found.push([...stack.slice(stack.indexOf(next)), next]);
      else if (!state.has(next)) visit(next);
    }
    stack.pop();
    state.set(file, 'closed');
  };
  for (const file of edges.keys()) if (!state.has(file)) visit(file);
  return found;
}

/** TypeScript and JavaScript sources of the layers' folders below `root`. */
export function readSources(root) {
  const sources = new Map();
  for (const folder of new Set(Object.keys(layers).map(layer => layer.split('/')[0]))) {
    let names = [];
    try {
      names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    } catch (error) {
      // A layer that has no folder yet breaks no rule.
      if (error.code !== 'ENOENT') throw error;
    }
    for (const name of names) {
      // What tests build and install there is nobody's source.
      if (folder === 'build' || /(^|[\\/])node_modules[\\/]/.test(name)) continue;
      const path = join(root, folder, name);
      if (/\.(ts|mts|mjs|js)$/.test(name))
        sources.set(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'));
    }
  }
  return sources;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sources = readSources(dirname(dirname(fileURLToPath(import.meta.url))));
  const problems = checkImports(sources);
  for (const problem of problems) console.error(`error ${problem}`);
  console.log(`imports: ${sources.size} files, ${problems.length} broken rules`);
  if (problems.length > 0) process.exit(1);
}
