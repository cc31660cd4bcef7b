// What was measured of an adapter is kept from page to page in IndexedDB.

import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSite, type Site } from './chromium.js';

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root: fileURLToPath(new URL('../..', import.meta.url)) });
});
afterAll(() => site?.close());

it('a text is kept by name, replaced, and there for the next page', async () => {
  const context = await site.browser.newContext();
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`${site.origin}/test/browser/pages/lab.html`);
    return page;
  };
  // As text: what the test runner makes of an import means nothing in a page.
  const inPage = (page: Page, work: string) =>
    page.evaluate(`import('/runtime/browser/tuning-store.ts').then(async ({ tuningDatabase }) => {
      const store = tuningDatabase();
      ${work}
    })`);
  const first = await open();
  const before = await inPage(
    first,
    `const nothing = await store.read('tuning-1.json');
    await Promise.all([store.write('tuning-1.json', 'first'), store.write('tuning-2.json', 'other')]);
    await store.write('tuning-1.json', 'second');
    return [store.place, nothing, await store.read('tuning-1.json')];`,
  );
  expect(before).toEqual(['IndexedDB tmca-edge', null, 'second']);
  await first.close();
  const names = "['tuning-1.json', 'tuning-2.json', 'tuning-3.json']";
  const after = await inPage(await open(), `return Promise.all(${names}.map(name => store.read(name)));`);
  expect(after).toEqual(['second', 'other', null]);
});
