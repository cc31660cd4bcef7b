// `node tools/check-budgets.mjs`: what a page downloads, in gzipped bytes, against the promised limits; exit 1 where one is
// exceeded. Each entry is counted with the chunks that it imports statically: those come with it, lazy ones do not.
// Also exits 1 where a browser entry needs a Node module to load.

import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { importsOf } from './check-imports.mjs';

/** Decimal kilobytes, as in the README. */
export const budgets = [
  { name: 'index', file: 'dist/index.js', limit: 40_000 },
  { name: 'worker', file: 'dist/worker.js', limit: 100_000 },
  // Training in a page; one that segments loads none of what it adds to the worker's.
  { name: 'train', file: 'dist/train.js', limit: 140_000 },
  // Reading reports; a page that only segments loads none of it.
  { name: 'language', file: 'dist/language.js', limit: 40_000 },
  { name: 'wasm', file: 'build/tmca.wasm', limit: 30_000 },
];

/**
 * The files that come with `entry`, and the packages that they import at the top.
 *
 * @param {string} entry
 * @param {(file: string) => string} read
 */
export function closure(entry, read) {
  const files = new Set([entry]);
  const packages = new Set();
  // A Set may grow while it is walked.
  for (const file of files) {
    for (const { specifier, dynamic } of importsOf(read(file))) {
      if (dynamic) continue;
      if (specifier.startsWith('.')) files.add(posix.join(posix.dirname(file), specifier));
      else packages.add(specifier);
    }
  }
  return { files: [...files], packages: [...packages] };
}

/**
 * One row for each budget. A bundle inlines the wasm, so its own row only says what part of the bundle it is.
 *
 * @param {(file: string) => Uint8Array} read
 */
export function measure(read) {
  const text = file => new TextDecoder().decode(read(file));
  return budgets.map(({ name, file, limit }) => {
    const { files, packages } = file.endsWith('.js') ? closure(file, text) : { files: [file], packages: [] };
    const bytes = files.reduce((sum, part) => sum + gzipSync(read(part), { level: 9 }).length, 0);
    return { name, files: files.length, bytes, limit, packages, ok: bytes <= limit && packages.length === 0 };
  });
}

function print(row) {
  const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
  const verdict = row.bytes > row.limit ? 'OVER BUDGET' : 'ok';
  console.log(
    `${row.name.padEnd(8)}${kB(row.bytes)} of ${kB(row.limit)}  ${String(row.files).padStart(2)} files  ${verdict}`,
  );
  if (row.packages.length > 0)
    console.error(
      `error ${row.name}: a browser entry must load without packages, got ${row.packages.join(', ')}; import them lazily or bundle them (vite.config.ts)`,
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const absent = budgets.filter(({ file }) => !existsSync(file));
  for (const { file } of absent)
    console.error(`error check-budgets: ${file} must exist, got nothing; run npm run build`);
  if (absent.length > 0) process.exit(1);
  console.log('gzipped sizes:');
  const rows = measure(file => readFileSync(file));
  rows.forEach(print);
  if (rows.some(row => !row.ok)) process.exit(1);
}
