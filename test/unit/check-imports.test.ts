import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkImports, importsOf, readSources } from '../../tools/check-imports.mjs';

const check = (files: Record<string, string>) => checkImports(new Map(Object.entries(files)));

describe('importsOf', () => {
  test.each<[string, { specifier: string; type: boolean; dynamic: boolean }[]]>([
    [`import a from './a.js';`, [{ specifier: './a.js', type: false, dynamic: false }]],
    [`import './a.js';`, [{ specifier: './a.js', type: false, dynamic: false }]],
    [`import{a}from"./a.js"`, [{ specifier: './a.js', type: false, dynamic: false }]],
    [`import {\n  a, // why\n  type B,\n} from './a.js';`, [{ specifier: './a.js', type: false, dynamic: false }]],
    [`import * as a from './a.js';`, [{ specifier: './a.js', type: false, dynamic: false }]],
    [`import type { A } from './a.js';`, [{ specifier: './a.js', type: true, dynamic: false }]],
    [
      `export { a } from './a.js';\nexport * from './b.js';`,
      [
        { specifier: './a.js', type: false, dynamic: false },
        { specifier: './b.js', type: false, dynamic: false },
      ],
    ],
    [`export type { A } from './a.js';`, [{ specifier: './a.js', type: true, dynamic: false }]],
    [`const a = await import('./a.js');`, [{ specifier: './a.js', type: false, dynamic: true }]],
    [`import s from './a.wgsl?raw';`, [{ specifier: './a.wgsl?raw', type: false, dynamic: false }]],
    // neither comments nor strings are imports
    [`// import a from './a.js';\n/* import './b.js'; */`, []],
    [
      `const s = "import './a.js'"; const u = 'http://x'; import './b.js';`,
      [{ specifier: './b.js', type: false, dynamic: false }],
    ],
    [`export const a = 1;\nexport type B = 'x';\nconst c = { from: 'y' };`, []],
  ])('%s', (source, expected) => expect(importsOf(source)).toEqual(expected));
});

describe('checkImports', () => {
  test('downward imports and imports within a layer are fine', () => {
    const files = {
      'errors/index.ts': '',
      'gpu/kernel.ts': `import { check } from '../errors/index.js';`,
      'graph/graph.ts': `import type { K } from '../gpu/kernel.js'; import './lower.js';`,
      'graph/lower.ts': '',
      'test/unit/a.test.ts': `import '../../graph/graph.js'; import { readFileSync } from 'node:fs';`,
    };
    expect(check(files)).toEqual([]);
  });

  test.each([
    [
      'graph/a.ts',
      `import '../runtime/b.js';`,
      'graph/a.ts → runtime/b.js: graph must not import runtime; imports go down',
    ],
    [
      'gpu/a.ts',
      `import type { B } from '../graph/b.js';`,
      'gpu/a.ts → graph/b.js: gpu must not import graph; imports go down',
    ],
    [
      'gpu/a.ts',
      `import '../assembly/b.js';`,
      'gpu/a.ts → assembly/b.js: gpu must not import assembly; imports go down',
    ],
    ['errors/a.ts', `import '../gpu/b.js';`, 'errors/a.ts → gpu/b.js: errors must not import gpu; imports go down'],
    ['cli/a.ts', `import '../demo/b.js';`, 'cli/a.ts → demo/b.js: cli must not import demo; imports go down'],
    ['cli/a.ts', `export * from '../test/b.js';`, 'cli/a.ts → test/b.js: cli must not import test; imports go down'],
    [
      'runtime/a.ts',
      `const b = import('../node/b.js');`,
      'runtime/a.ts → node/b.js: runtime must not import node; imports go down',
    ],
    [
      'cli/a.ts',
      `import '../scripts/b.js';`,
      'cli/a.ts → scripts/b.js: scripts/b.js belongs to no layer; add its folder to the table in tools/check-imports.mjs',
    ],
    [
      'runtime/a.ts',
      `import 'node:fs';`,
      'runtime/a.ts → node:fs: a browser may load this file; import it under node or cli, or lazily by import()',
    ],
    [
      'graph/a.ts',
      `import sharp from 'sharp';`,
      'graph/a.ts → sharp: a browser may load this file; import it under node or cli, or lazily by import()',
    ],
  ])('%s: %s', (path, source, problem) => expect(check({ [path]: source })).toEqual([problem]));

  test('Node packages are fine lazily, as types, and where only Node runs', () => {
    expect(check({ 'runtime/a.ts': `await import('sharp'); import type { Sharp } from 'sharp';` })).toEqual([]);
    expect(check({ 'node/a.ts': `import 'node:fs';`, 'demo/vite.config.ts': `import 'node:path';` })).toEqual([]);
  });

  test.each([
    [`import { readFile } from 'node:fs/promises';`],
    [`import { stat, readFileSync as read } from 'fs';`],
    [`import * as fs from 'node:fs';`],
    [`import fs from 'node:fs/promises';`],
    [`const { readFile } = await import('node:fs/promises');`],
  ])('files are read by the one reader that cannot hang: %s', source => {
    expect(check({ 'cli/a.ts': source })).toEqual([expect.stringMatching(/^cli\/a\.ts: .* must not read here/)]);
    expect(check({ 'test/a.ts': source, 'tools/a.mjs': source })).toEqual([]);
    expect(
      check({ 'cli/a.ts': `import { stat, readdir } from 'node:fs/promises'; import type { Stats } from 'fs';` }),
    ).toEqual([]);
  });

  test('a cycle of values is named, file by file', () => {
    const files = {
      'graph/a.ts': `import './b.js';`,
      'graph/b.ts': `export * from './c.js';`,
      'graph/c.ts': `import { a } from './a.js';`,
    };
    expect(check(files)).toEqual([
      'graph/a.ts → graph/b.ts → graph/c.ts → graph/a.ts: imports must not form a cycle; move what is shared below both',
    ]);
  });

  test('a file that imports itself is a cycle; AssemblyScript names files without .js', () => {
    expect(check({ 'assembly/src/a.ts': `import { x } from './a';` })).toHaveLength(1);
  });

  test.each([`import type { A } from './a.js';`, `await import('./a.js');`])('a cycle that is closed by %s', source => {
    expect(check({ 'runtime/a.ts': `import './b.js';`, 'runtime/b.ts': source })).toEqual([
      'runtime/a.ts → runtime/b.ts → runtime/a.ts: imports must not form a cycle; move what is shared below both',
    ]);
  });

  test('a file of more than 400 lines is named, with its length', () => {
    const files = { 'gpu/at-most.ts': 'a\n'.repeat(400), 'test/unit/long.test.ts': 'a\n'.repeat(401) };
    expect(check(files)).toEqual(['test/unit/long.test.ts: a file may have 400 lines, got 401; split it by idea']);
  });

  test('the table of ops may know its rules and they the builder, but no pass may come into that circle', () => {
    const files = {
      'graph/builder.ts': `import { ruleOf } from './ops/table.js';`,
      'graph/ops/table.ts': `import { linear } from './linear.js';`,
      'graph/ops/linear.ts': `import type { Builder } from '../builder.js';`,
      'graph/passes/expand.ts': `import '../builder.js';`,
    };
    expect(check(files)).toEqual([]);
    expect(check({ ...files, 'graph/ops/linear.ts': `import '../passes/expand.js';` })).toEqual([
      'graph/ops → graph/passes/expand.ts → graph/ops: imports must not form a cycle; move what is shared below both',
    ]);
  });
});

test('the repository itself keeps the rules', () => {
  const sources = readSources('.');
  expect(sources.get('errors/index.ts')).toBe(readFileSync('errors/index.ts', 'utf8'));
  expect(checkImports(sources)).toEqual([]);
});
