// `npm run docs:api`: API pages of all that package.json exports, from the built declarations, into docs/api. Needs `npm run build`.
//
// typedoc works through the API of TypeScript's compiler, which TypeScript 7 does not have: it comes with a TypeScript 5 from a
// lock of its own (tools/api-docs). When a typedoc takes TypeScript 7, both can go among the development dependencies.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const written = join(root, 'build', 'api');
const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(written, { recursive: true, force: true });
mkdirSync(written, { recursive: true });

/** A module for each export, under the name by which it is imported. */
const entries = Object.entries(exports).map(([path, { types }]) => {
  const module = name + path.slice(1);
  const file = `${module.replaceAll('/', '-')}.ts`;
  const source = `../../${types.replace(/^\.\//, '').replace(/\.d\.ts$/, '.js')}`;
  writeFileSync(join(written, file), `/** @module ${module} */\nexport * from '${source}';\n`);
  return file;
});

const compilerOptions = {
  ...{ target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2022', 'DOM'] },
  ...{ strict: true, types: [], noEmit: true },
};
writeFileSync(join(written, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: entries }));
const options = {
  name,
  entryPoints: entries,
  tsconfig: 'tsconfig.json',
  out: '../../docs/api',
  readme: 'none',
  includeVersion: true,
  disableSources: true,
  // Types that are used and not exported are shown in place.
  validation: { notExported: false },
  treatWarningsAsErrors: true,
};
writeFileSync(join(written, 'typedoc.json'), JSON.stringify(options));
execFileSync(process.execPath, [join(root, 'tools/api-docs/node_modules/typedoc/bin/typedoc')], {
  cwd: written,
  stdio: 'inherit',
});
