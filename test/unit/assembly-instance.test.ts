import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createAssembly, loadAssembly } from '../../assembly/instance.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import { segmentRegions } from '../../assembly/regions.js';
import { Vocabulary } from '../../assembly/wordpiece.js';
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
  a.write(block, new Uint8Array(16).fill(7));
  expect(b.exports.memory).not.toBe(a.exports.memory);
  expect(a.read(block, new Uint8Array(16))).toEqual(new Uint8Array(16).fill(7));
  expect(b.read(block, new Uint8Array(16))).not.toEqual(a.read(block, new Uint8Array(16)));
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

test('what the module gave outlives a growing of its memory', async () => {
  const own = await createAssembly();
  using preprocessor = new Preprocessor(own, { size: 2, normalize: 'none' });
  using vocabulary = new Vocabulary(own, '[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n');
  const white = { data: new Uint8Array(12).fill(255), width: 2, height: 2, channels: 3 } as const;
  const grow = () => own.alloc(own.memoryBytes, 'test');
  const input = preprocessor.run(white);
  const { ids } = vocabulary.encode('a');
  const { mask } = segmentRegions(own, Float32Array.of(1, 1, 1, 1), 2, 3, 3);
  grow();
  expect(input).toEqual(new Float32Array(12).fill(1));
  expect(ids).toEqual(Int32Array.of(2, 4, 3));
  expect(mask).toEqual(new Uint8Array(9).fill(1));
  expect(vocabulary.encode('a').ids).toEqual(ids);
});

test('building again does nothing when no source changed', () => {
  const build = () => execFileSync(process.execPath, ['tools/build-assembly.mjs'], { encoding: 'utf8' });
  build();
  const before = statSync('build/tmca.wasm').mtimeMs;
  expect(build()).toBe('');
  expect(statSync('build/tmca.wasm').mtimeMs).toBe(before);
});
