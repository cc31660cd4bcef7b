import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { closure, measure } from '../../tools/check-budgets.mjs';

const minified: Record<string, string> = {
  'dist/index.js': 'import{a}from"./chunk-a.js";import"./chunk-b.js";const l=()=>import("./lazy.js");export{a};',
  'dist/chunk-a.js': 'export*from"./chunk-b.js";const a=1;export{a}',
  'dist/chunk-b.js': 'export const b=2',
  'dist/lazy.js': 'import"sharp"',
  'dist/worker.js': 'import"./chunk-b.js"',
  'dist/train.js': 'import"./chunk-b.js"',
  'dist/language.js': 'import"./chunk-b.js"',
  'build/tmca.wasm': '\0asm',
};
const reader = (files: Record<string, string | Uint8Array>) => (file: string) => Buffer.from(files[file]!);

test('an entry counts with its static chunks, each once, and without its lazy ones', () => {
  expect(closure('dist/index.js', file => minified[file]!)).toEqual({
    files: ['dist/index.js', 'dist/chunk-a.js', 'dist/chunk-b.js'],
    packages: [],
  });
});

test('small bundles pass', () => {
  expect(measure(reader(minified)).map(row => [row.name, row.files, row.ok])).toEqual([
    ['index', 3, true],
    ['worker', 2, true],
    ['train', 2, true],
    ['language', 2, true],
    ['wasm', 1, true],
  ]);
});

test('a chunk over the budget fails every entry that loads it; incompressible bytes stay as they are', () => {
  const noise = `//${randomBytes(45_000).toString('base64')}`;
  const rows = measure(reader({ ...minified, 'dist/chunk-b.js': noise }));
  expect(rows.map(row => row.ok)).toEqual([false, true, true, false, true]);
  expect(rows[0]!.bytes).toBeGreaterThan(40_000);
});

test('a browser entry that needs a package to load fails', () => {
  const [index] = measure(reader({ ...minified, 'dist/chunk-a.js': 'import{readFile}from"node:fs"' }));
  expect(index).toMatchObject({ ok: false, packages: ['node:fs'] });
});
