// What callers give is checked where it enters the package, and calls are put in order once.

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importsOf, readSources } from '../../tools/check-imports.mjs';

const sources: ReadonlyMap<string, string> = readSources(fileURLToPath(new URL('../..', import.meta.url)));

/** Files below a folder that load what such a file exports. */
const users = (folder: RegExp, file: RegExp): string[] =>
  [...sources]
    .filter(([path]) => folder.test(path))
    .filter(([, source]) => importsOf(source).some(({ specifier, type }) => !type && file.test(specifier)))
    .map(([path]) => path);

test('behind the public edge nothing checks what was given once more', () => {
  const checks = /\/(given|sentence)\.js$/;
  expect(users(/^(node|runtime\/browser)\//, checks)).toEqual(
    expect.arrayContaining(['node/session.ts', 'runtime/browser/segmenter.ts']),
  );
  expect(users(/^runtime\/(session|engines|inspect)\//, checks)).toEqual([]);
});

test('a frame waits in one queue: that of its session', () => {
  const queued = users(/^(node|runtime|cli)\//, /\/serial-queue\.js$/);
  // The page keeps the order of what it posts, and one onnxruntime serves all sessions.
  expect(queued.filter(path => !/^runtime\/browser\//.test(path)).sort()).toEqual([
    'runtime/engines/wasm/network.ts',
    'runtime/session/recovering-session.ts',
  ]);
  expect(queued).not.toContain('runtime/browser/worker/host.ts');
});
