// A browser keeps the files of a model: OPFS, the Cache API, locks and several pages as they really are. What can go wrong on the way
// is in test/unit/model-store.test.ts.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root, assetsInclude: ['**/*.deflate'] });
});
afterAll(() => site?.close());

/** The development server has the shipped manifest, which is part of the code, at its place in the sources. */
const isModel = ({ pathname, search }: URL): boolean => pathname.startsWith('/models/') && search !== '?import';

async function openLab(context: BrowserContext): Promise<{ page: Page; asked: string[] }> {
  context.setDefaultTimeout(300_000);
  const page = await context.newPage();
  const asked: string[] = [];
  page.on('request', request => {
    if (isModel(new URL(request.url()))) asked.push(`${request.method()} ${request.url().split('/').at(-1)}`);
  });
  await page.goto(`${site.origin}/test/browser/pages/lab.html`);
  await page.waitForFunction(() => 'lab' in window);
  return { page, asked };
}

/** Loads the shipped model in wasm and segments a canvas with it. */
const load = (page: Page, options: { readonly store?: 'auto' | 'off' } = {}) =>
  page.evaluate(async options => {
    const segmenter = await lab.start('default', { model: '/models/nano', device: 'wasm', ...options });
    const { probability } = await segmenter.segment(lab.canvas(), await segmenter.encodeReport('one red polyp'));
    await segmenter.dispose();
    const sum = probability.reduce((a, b) => a + b, 0);
    return { store: segmenter.info.store, integrity: segmenter.info.integrity, hash: segmenter.info.model.hash, sum };
  }, options);

describe('a page', () => {
  it('loads a model once: the next page fetches no byte of it, works without its server, and can forget it', async () => {
    const context = await site.browser.newContext();
    try {
      const first = await openLab(context);
      const loaded = await load(first.page);
      expect(loaded.store).toMatchObject({ place: 'OPFS', by: 'sha256', kept: 0, note: null });
      expect(loaded.store!.downloaded).toBeGreaterThan(1_000_000);
      expect(first.asked).toContain('GET model.safetensors');
      await first.page.close();

      const second = await openLab(context);
      const again = await load(second.page);
      expect(again.store).toMatchObject({ downloaded: 0, kept: loaded.store!.downloaded });
      expect(second.asked).toEqual(['HEAD manifest.json']);
      expect({ ...again, store: null }).toEqual({ ...loaded, store: null });

      await second.page.route(isModel, route => route.abort());
      expect((await load(second.page)).store).toMatchObject({ downloaded: 0, note: null });
      await second.page.unroute(isModel);

      const freed = await second.page.evaluate(() => lab.Segmenter.forget('/models/nano'));
      expect(freed).toBe(loaded.store!.downloaded);
      expect((await load(second.page)).store!.downloaded).toBe(loaded.store!.downloaded);
      expect(await second.page.evaluate(() => lab.Segmenter.forget())).toBe(loaded.store!.downloaded);
    } finally {
      await context.close();
    }
  });

  it('keeps files with the Cache API where there is no OPFS', async () => {
    const context = await site.browser.newContext();
    try {
      const { page } = await openLab(context);
      // As text: what the test runner makes of an import means nothing in a page.
      const kept = await page.evaluate(`import('/runtime/browser/store/shelf.ts').then(async ({ openShelf }) => {
        delete FileSystemFileHandle.prototype.createWritable;
        const shelf = await openShelf();
        const text = async name => {
          const bytes = await shelf.get(name);
          return bytes && new TextDecoder().decode(bytes);
        };
        const put = (name, content) => shelf.put(name, new TextEncoder().encode(content));
        await put('model-1', 'one');
        await put('piece-a-0', 'two');
        await put('model-1', 'three');
        const names = (await shelf.names()).sort();
        await shelf.remove('piece-a-0');
        await shelf.remove('piece-a-1');
        return [shelf.place, names, await text('model-1'), await text('piece-a-0'), await shelf.names()];
      })`);
      expect(kept).toEqual(['Cache API', ['model-1', 'piece-a-0'], 'three', null, ['model-1']]);
    } finally {
      await context.close();
    }
  });

  it('keeps nothing where that is asked for', async () => {
    const context = await site.browser.newContext();
    try {
      const { page, asked } = await openLab(context);
      for (let i = 0; i < 2; i++) expect((await load(page, { store: 'off' })).store).toBeUndefined();
      expect(asked.filter(one => one === 'GET model.safetensors')).toHaveLength(2);
      expect(await page.evaluate(() => lab.Segmenter.forget())).toBe(0);
    } finally {
      await context.close();
    }
  });

  it('and another that load at once fetch a model once', async () => {
    const context = await site.browser.newContext();
    try {
      const pages = await Promise.all([openLab(context), openLab(context)]);
      const loaded = await Promise.all(pages.map(({ page }) => load(page)));
      expect(loaded[0]!.sum).toBe(loaded[1]!.sum);
      const weights = pages.flatMap(({ asked }) => asked).filter(one => one === 'GET model.safetensors');
      expect(weights).toHaveLength(1);
    } finally {
      await context.close();
    }
  });

  it('takes a model that is given as files, chosen or dropped or read', async () => {
    const context = await site.browser.newContext();
    try {
      const { page, asked } = await openLab(context);
      const names = ['config.json', 'model.safetensors', 'vocab.txt', 'manifest.json'];
      await page.setContent('<input type="file" multiple>');
      await page.setInputFiles(
        'input',
        ['README.md', ...names].map(name => ({
          name,
          mimeType: 'application/octet-stream',
          buffer: name === 'README.md' ? Buffer.from('hello') : readFileSync(`${root}/models/nano/${name}`),
        })),
      );
      const opened = await page.evaluate(async () => {
        const { files } = document.querySelector('input')!;
        const read = Object.fromEntries(
          await Promise.all(
            [...files!].map(async file => [file.name, new Uint8Array(await file.arrayBuffer())] as const),
          ),
        );
        const infos = [];
        for (const model of [files!, [...files!], read]) {
          const segmenter = await lab.start('default', { model, device: 'wasm' });
          infos.push(segmenter.info);
          await segmenter.dispose();
        }
        const without = Object.fromEntries(Object.entries(read).filter(([name]) => name !== 'config.json'));
        const twice = [files![1]!, ...files!];
        const wrong = { ...read, 'vocab.txt': 'text' as unknown as Uint8Array };
        const failures = [];
        for (const model of [without, twice, wrong, {}])
          failures.push(await lab.failure(lab.start('default', { model, device: 'wasm' })));
        return { infos, failures };
      });
      for (const { model, integrity, store } of opened.infos) {
        expect(model.name).toBe('nano-128');
        expect(integrity).toBe('checked');
        expect(store).toBeUndefined();
      }
      expect(asked).toEqual([]);
      expect(opened.failures.map(failure => `${failure?.code} ${failure?.message}`)).toEqual([
        expect.stringMatching(/^BAD_ARGUMENT Segmenter\.create: the files must hold config\.json, got README\.md, /),
        expect.stringMatching(/^BAD_ARGUMENT .*got config\.json twice; choose one folder$/),
        expect.stringMatching(/^BAD_ARGUMENT .*vocab\.txt must be a File, a Blob or bytes, got string; read it first$/),
        expect.stringMatching(/^BAD_ARGUMENT .*the files must hold config\.json, got none; /),
      ]);
    } finally {
      await context.close();
    }
  });
});
