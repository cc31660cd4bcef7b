import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createAssembly, loadAssembly } from '../../assembly/instance.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import { TmcaError } from '../../errors/index.js';

const binary = readFileSync('build/tmca.wasm');

test('the module keeps its budget and imports nothing', () => {
  expect(binary.length).toBeLessThanOrEqual(30_000);
  expect(WebAssembly.Module.imports(new WebAssembly.Module(binary))).toEqual([]);
});

test('exports.ts types exactly what the module exports', () => {
  const typed = readFileSync('assembly/exports.ts', 'utf8').matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm);
  const names = WebAssembly.Module.exports(new WebAssembly.Module(binary)).map(e => e.name);
  expect(Array.from(typed, m => m[1]).sort()).toEqual(names.sort());
});

test('a thread has one instance, and as many more as are asked for', async () => {
  expect(await loadAssembly()).toBe(await loadAssembly());
  const [a, b] = await Promise.all([createAssembly(), createAssembly()]);
  const block = a.alloc(16, 'test');
  a.u8(block, 16).fill(7);
  expect(b.exports.memory).not.toBe(a.exports.memory);
  expect(b.u8(block, 16)).not.toEqual(a.u8(block, 16));
});

test('no room is an error with a code, after which the instance works on', async () => {
  const own = await createAssembly();
  const fail = (bytes: number) => {
    try {
      return own.alloc(bytes, 'test');
    } catch (error) {
      return error instanceof TmcaError ? error.code : error;
    }
  };
  expect(fail(2 ** 31)).toBe('OUT_OF_MEMORY');
  // Four blocks of almost a gibibyte do not fit 32-bit addresses; untouched pages cost the machine nothing.
  const blocks = [0, 1, 2, 3].map(() => fail(2 ** 30 - 1024));
  expect(blocks.at(-1)).toBe('OUT_OF_MEMORY');
  using preprocessor = new Preprocessor(own, { size: 2, normalize: 'none' });
  const white = { data: new Uint8Array(12).fill(255), width: 2, height: 2, channels: 3 } as const;
  expect(preprocessor.run(white)).toEqual(new Float32Array(12).fill(1));
});

test('building again does nothing when no source changed', () => {
  const build = () => execFileSync(process.execPath, ['tools/build-assembly.mjs'], { encoding: 'utf8' });
  build();
  const before = statSync('build/tmca.wasm').mtimeMs;
  expect(build()).toBe('');
  expect(statSync('build/tmca.wasm').mtimeMs).toBe(before);
});
