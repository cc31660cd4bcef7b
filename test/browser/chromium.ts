// A Chromium with a software WebGPU adapter, and a Vite server for it to look at. Whether a Chromium is there at all is the tier's
// global setup's question (tools/require-browser.ts).

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, createServer, type InlineConfig, normalizePath, type Plugin, preview } from 'vite';
import { COMPOSITED, findChromium, SWIFTSHADER } from '../../tools/chromium.mjs';

const FLAGS = ['--no-sandbox', '--disable-background-networking'];

export { COMPOSITED };

export interface Site {
  readonly browser: Browser;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  close(): Promise<void>;
}

interface Server {
  readonly resolvedUrls: { readonly local: string[] } | null;
  close(): Promise<void>;
}

/** Serves sources. Nothing is watched or optimised: a test must not be reloaded under its feet. */
export async function openSite(config: InlineConfig, flags: readonly string[] = SWIFTSHADER): Promise<Site> {
  const server = await createServer({
    logLevel: 'error',
    appType: 'mpa',
    assetsInclude: ['**/*.deflate'], // the wasm module, as in vite.config.ts
    ...config,
    server: { host: '127.0.0.1', port: 0, watch: null, hmr: false, open: false },
    optimizeDeps: { noDiscovery: true, include: [] },
  });
  return browse(await server.listen(), flags);
}

/** Builds a site into `outDir` and serves the files, as any static server would. */
export async function openBuiltSite(
  configFile: string,
  outDir: string,
  flags: readonly string[] = SWIFTSHADER,
): Promise<Site> {
  await build({ logLevel: 'error', configFile, build: { outDir, emptyOutDir: true } });
  const server = { host: '127.0.0.1', port: 0, open: false };
  return browse(await preview({ logLevel: 'error', configFile, build: { outDir }, preview: server }), flags);
}

async function browse(server: Server, flags: readonly string[]): Promise<Site> {
  const browser = await chromium.launch({ executablePath: findChromium()!, args: [...FLAGS, ...flags] });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return { browser, origin: server.resolvedUrls!.local[0]!.replace(/\/$/, ''), close };
}

/** A new page. Its uncaught errors are collected in `errors`. */
export async function openPage(
  site: Site,
  path: string,
  size = { width: 1440, height: 900 },
): Promise<{ page: Page; errors: string[] }> {
  const context = await site.browser.newContext({ viewport: size, deviceScaleFactor: 1 });
  // a limit ends what hangs, and no page is late because the machine has other work to do
  context.setDefaultTimeout(300_000);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(String(error)));
  await page.goto(site.origin + path);
  return { page, errors };
}

/** Puts the session without a network (test/fixtures/fake-session.ts) in place of the worker script's own. */
export function fakeSession(): Plugin {
  const root = normalizePath(fileURLToPath(new URL('../..', import.meta.url)));
  const worker = `${root}runtime/browser/worker.ts`;
  // it would go unseen that nothing was replaced: the page would run the shipped model
  if (!existsSync(worker)) throw new Error(`${worker} is not there: the worker script has moved`);
  const script = `
    import { serve } from '${root}runtime/browser/worker/host.ts';
    import { openFake } from '${root}test/fixtures/fake-session.ts';
    serve(openFake);`;
  return { name: 'fake-session', enforce: 'pre', load: id => (id.split('?')[0] === worker ? script : undefined) };
}
