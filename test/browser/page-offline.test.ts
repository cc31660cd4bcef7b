// The built page without a network: its own files come from its service worker, the model's from what the package has kept.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBuiltSite, openPage, type Site } from './chromium.js';

const outDir = fileURLToPath(new URL('../../build/test-demo-offline', import.meta.url));

let site: Site;
beforeAll(async () => {
  // Without a GPU: the engine that needs most files.
  site = await openBuiltSite('demo/vite.config.ts', outDir, ['--disable-gpu']);
});
afterAll(() => site?.close());

it('segments after a reload without a network, and fetches the model once', async () => {
  const { page, errors } = await openPage(site, '/');
  const segmented = async () => {
    await page.locator('#samples button').nth(1).click();
    await page.locator('.result:visible, #error:visible').first().waitFor();
    expect(await page.textContent('#error'), 'no error').toBe('');
    return page.locator('.result:visible .told').textContent();
  };
  const first = await segmented();
  const kept = () =>
    page.evaluate(async () => {
      const names = (await caches.keys()).filter(name => name.startsWith('tmca-edge page'));
      const urls = await Promise.all(
        names.map(async name => (await (await caches.open(name)).keys()).map(({ url }) => url)),
      );
      return urls
        .flat()
        .filter(url => /\.wasm$|\/sw\.js$|\/$/.test(url))
        .map(url => url.replace(/^.*[/-]/, ''));
    });
  await expect.poll(async () => (await kept()).sort()).toEqual(['', expect.stringMatching(/\.wasm$/)]);

  const fetched: string[] = [];
  page.on('response', response => {
    if (response.url().includes('/models/') && response.status() === 200) fetched.push(response.url());
  });
  await page.reload();
  expect(await segmented()).toBe(first);
  expect(fetched.filter(url => url.endsWith('.safetensors'))).toEqual([]);

  await page.context().setOffline(true);
  await page.reload();
  expect(await segmented()).toBe(first);
  expect(await page.textContent('.notice')).toContain('Research use only.');
  expect(errors).toEqual([]);
});

it('can be installed: its manifest names icons that are there', async () => {
  const { page } = await openPage(site, '/');
  const manifest = await page.evaluate(async () => {
    const address = document.querySelector<HTMLLinkElement>('link[rel="manifest"]')!.href;
    const body = (await (await fetch(address)).json()) as { icons: { src: string }[]; start_url: string; name: string };
    const icons = await Promise.all(body.icons.map(async ({ src }) => (await fetch(new URL(src, address))).status));
    return { ...body, icons, start: new URL(body.start_url, address).pathname };
  });
  expect(manifest).toMatchObject({ icons: [200, 200], start: '/', display: 'standalone' });
});
