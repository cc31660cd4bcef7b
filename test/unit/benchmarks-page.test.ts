// docs/benchmarks.md says what the kept results say, and nothing that they do not.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { benchmarksPage, readBenchmarkFiles } from '../../devices/tools/benchmarks-page.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readBenchmarkFiles(root);

test('the committed page is what npm run docs:benchmarks writes, byte for byte', () => {
  expect(readFileSync(join(root, 'docs/benchmarks.md'), 'utf8')).toBe(benchmarksPage(files));
});

test('the page has every figure of a result that has changed', () => {
  const [run] = files.runs.filter(({ peer }) => peer);
  const changed = { ...run!, ratio: { frame: 0.4321, text: 0.5432, cold: 0.6543 } };
  const page = benchmarksPage({ ...files, runs: [changed] });
  for (const shown of ['| 0.432 |', '| 0.543 |', '| 0.654 |']) expect(page).toContain(shown);
});

test('tables have as many cells in every row as titles', () => {
  let cells = 0;
  for (const line of benchmarksPage(files).split('\n')) {
    const found = line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0;
    if (cells > 0 && found > 0) expect({ line, cells: found }).toEqual({ line, cells });
    cells = found;
  }
});

test('a result without a peer, in wasm, without kernels, has dashes', () => {
  const [run] = files.runs;
  const { ours } = run!;
  const wasm = {
    ...{ ...run!, device: 'wasm' as const, peer: null, ratio: null, agreement: null, roofline: null, assembly: null },
    ours: { ...ours, planned_bytes: null, kernel_clock: null, kernels: [], text_kernels: [] },
  };
  const page = benchmarksPage({ runs: [wasm], pages: [], training: [], studies: [], cards: [] });
  expect(page).toContain('| wasm |');
  expect(page).not.toMatch(/NaN|undefined|null|object Object/);
  expect(page).toContain('Nothing has been measured yet.');
});

function folderWith(result: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'tmca-benchmarks-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['devices/results/gpu', 'docs/studies', 'models'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'devices/results/gpu/some.json'), JSON.stringify(result));
  return folder;
}

test('results in folders are found, and told apart by what they hold', () => {
  const [run] = files.runs;
  const [page] = files.pages;
  const [step] = files.training;
  expect(readBenchmarkFiles(folderWith(run)).runs).toMatchObject([
    { name: 'gpu/some', link: '../devices/results/gpu/some.json' },
  ]);
  expect(readBenchmarkFiles(folderWith(page)).pages).toHaveLength(1);
  expect(readBenchmarkFiles(folderWith(step)).training).toHaveLength(1);
});

test('a file of another kind is refused, not left out', () => {
  expect(() => readBenchmarkFiles(folderWith({ frames: 1000 }))).toThrow(
    'devices/results/gpu/some.json must be a result of tmca bench',
  );
});
