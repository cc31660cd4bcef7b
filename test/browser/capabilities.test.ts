// What a page is told of its browser before a model is loaded, on the adapter that it has.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root: fileURLToPath(new URL('../..', import.meta.url)) });
});
afterAll(() => site?.close());

it('the adapter and the engine are told without a byte of a model, and a GPU`s rates give the time of a frame', async () => {
  const { page, errors } = await openPage(site, '/test/browser/pages/lab.html');
  await page.waitForFunction(() => 'lab' in window);
  const asked: string[] = [];
  page.on('request', request => asked.push(request.url()));
  const told = await page.evaluate(() => lab.Segmenter.capabilities({ measure: true }));
  expect(told).toMatchObject({ device: 'wasm', adapter: { software: true }, frameMs: null });
  expect(told.reason).toMatch(/only .* which runs on the CPU; wasm runs instead$/);
  // The measurement itself, which `auto` would not ask of a software adapter. As text: what the test runner makes of an import means
  // nothing in a page.
  const estimate = await page.evaluate(
    `import('/runtime/browser/frame-estimate.ts').then(({ estimateFrame }) => estimateFrame(navigator.gpu, undefined))`,
  );
  expect(estimate).toBeGreaterThan(0);
  expect(Number.isFinite(estimate)).toBe(true);
  expect(asked.filter(url => /\/models\//.test(url))).toEqual([]);
  expect(errors).toEqual([]);
});
