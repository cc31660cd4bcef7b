// `node devices/tools/make-benchmarks.mjs`: writes docs/benchmarks.md from devices/results, docs/studies and the model cards.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { module } = await runnerImport('./devices/tools/benchmarks-page.ts', {
  root,
  configFile: false,
  logLevel: 'error',
});
writeFileSync(`${root}/docs/benchmarks.md`, module.benchmarksPage(module.readBenchmarkFiles(root)));
console.log('docs/benchmarks.md');
