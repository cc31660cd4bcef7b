// Packages that are installed for what needs them: each is asked for in one way, and missing, named with the line that installs it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { installLine, missingPackages, withInstallLine } from '../../cli/packages.js';
import { TmcaError } from '../../errors/index.js';
import { fromPackage, optionalPackages, specifierOf } from '../../errors/optional-package.js';
import type { Platform } from '../../runtime/engines/platform.js';
import { chooseEngine } from '../../runtime/engines/table.js';
import { openEngine } from '../../runtime/inspect/open.js';
import { importsOf } from '../../tools/check-imports.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const absent = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /somewhere/file.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });

describe('a package that is missing', () => {
  test('is named, with the line that installs it', async () => {
    const loading = fromPackage('sharp', 'decodeImage', () => Promise.reject(absent('sharp')));
    await expect(loading).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: `decodeImage: the package sharp must be installed, got none; run: npm install ${specifierOf('sharp')}`,
    });
  });

  test('is not confused with one that it needs itself, nor with another fault of it', async () => {
    for (const error of [absent('detect-libc'), new Error('Could not load the "sharp" module')])
      await expect(fromPackage('sharp', 'decodeImage', () => Promise.reject(error))).rejects.toBe(error);
  });

  test('webgpu: auto runs in wasm and says why; by name, the error stays', async () => {
    const missing = new TmcaError('PACKAGE_MISSING', 'nodeGpu: …');
    const ort = { env: { wasm: {} } };
    const platform = { gpu: () => Promise.reject(missing), ort: async () => ort } as unknown as Platform;
    expect(await openEngine(platform, 'auto', {})).toMatchObject({
      device: 'wasm',
      reason: 'the package webgpu is not installed; wasm runs instead',
    });
    await expect(openEngine(platform, 'webgpu', {})).rejects.toBe(missing);
    expect(chooseEngine('auto', null).reason).toBe('there is no WebGPU adapter; wasm runs instead');
  });
});

describe('the command', () => {
  const installed = async (...path: string[]) => {
    const base = await mkdtemp(join(tmpdir(), 'tmca-packages-'));
    const folder = join(base, ...path, 'node_modules', 'tmca-edge');
    await mkdir(folder, { recursive: true });
    return { base, folder, modules: join(base, ...path, 'node_modules') };
  };
  const both = `${specifierOf('sharp')} ${specifierOf('webgpu')}`;

  test('names all that are missing, as a project, a global installation and npx take them', async () => {
    const { base, folder, modules } = await installed('project');
    try {
      expect(missingPackages(folder)).toEqual(['sharp', 'webgpu']);
      expect(installLine(['sharp', 'webgpu'], folder)).toBe(`npm install -g ${both}`);
      await writeFile(join(base, 'project', 'package.json'), '{}');
      expect(installLine(['sharp', 'webgpu'], folder)).toBe(`npm install ${both}`);
      await mkdir(join(modules, 'sharp'));
      await writeFile(join(modules, 'sharp', 'package.json'), '{}');
      expect(missingPackages(folder)).toEqual(['webgpu']);
      const error = new TmcaError(
        'PACKAGE_MISSING',
        'nodeGpu: the package webgpu must be installed, got none; run: npm install webgpu@1',
      );
      expect(withInstallLine(error, folder)).toMatchObject({
        code: 'PACKAGE_MISSING',
        message: `nodeGpu: the package webgpu must be installed, got none; run: npm install ${specifierOf('webgpu')}`,
      });
      expect(installLine(['sharp'], '/home/me/.npm/_npx/1f/node_modules/tmca-edge')).toBe(
        `npx -p tmca-edge -p ${specifierOf('sharp')} tmca …`,
      );
    } finally {
      await rm(base, { recursive: true });
    }
  });
});

describe('package.json', () => {
  test('has each as an optional peer, tested with the version that is named', () => {
    const names = Object.keys(optionalPackages);
    expect(Object.keys(pkg.peerDependencies)).toEqual(names);
    expect(pkg.peerDependenciesMeta).toEqual(Object.fromEntries(names.map(name => [name, { optional: true }])));
    for (const [name, version] of Object.entries(optionalPackages)) {
      expect(pkg.peerDependencies[name]).toBe(`^${version}`);
      expect(pkg.devDependencies[name]).toBe(version);
    }
  });
});

const dist = join(root, 'dist');

describe.skipIf(!existsSync(join(dist, 'index.js')))(
  'the built files (skipped where there are none; `npm test` builds)',
  () => {
    const scripts = readdirSync(dist).filter(name => name.endsWith('.js'));
    const textOf = (name: string) => readFileSync(join(dist, name), 'utf8');

    test('import what may be missing lazily, what else they import is a dependency', () => {
      for (const name of scripts) {
        for (const { specifier, dynamic } of importsOf(textOf(name))) {
          if (specifier.startsWith('.') || isBuiltin(specifier)) continue;
          const known = dynamic
            ? [...Object.keys(pkg.dependencies), ...Object.keys(optionalPackages)]
            : Object.keys(pkg.dependencies);
          expect(known, `${name} imports ${specifier}`).toContain(specifier);
        }
      }
    });

    test('keep the comments that keep bundlers away from an address', () => {
      const addresses = scripts.flatMap(name =>
        [...textOf(name).matchAll(/\bimport\((?!['"`])[^)]{0,120}/g)].map(([text]) => text),
      );
      expect(addresses.length).toBeGreaterThan(0);
      for (const text of addresses)
        expect(text).toMatch(
          /^import\(\/\* @vite-ignore \*\/ \/\* webpackIgnore: true \*\/ \/\* turbopackIgnore: true \*\/ \w+$/,
        );
    });

    test('have maps without our sources', () => {
      const maps = readdirSync(dist).filter(name => name.endsWith('.map'));
      expect(maps.length).toBeGreaterThan(0);
      for (const name of maps) expect(JSON.parse(textOf(name)).sourcesContent ?? [], name).toEqual([]);
    });
  },
);
