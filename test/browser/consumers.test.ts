// The packed package in other people's projects: their bundlers build it, and what they built segments a sample in Chromium under the
// content security policy of docs/guide/browser.md. Everything but the browser's wasm engine is the same on a GPU.

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SegmenterOptions } from '../../runtime/index.js';
import { findChromium } from '../../tools/chromium.mjs';
import {
  consumers,
  documentedPolicy,
  installConsumers,
  pack,
  root,
  run,
  serve,
  shared,
  writePage,
} from './consumers.js';

/** What can be sent to a page as it is. */
type Options = Partial<Omit<SegmenterOptions, 'model'>> & { readonly model?: string };

declare global {
  function segmentSample(text: string, options: Options & { readonly image?: string }): Promise<Segmented>;
}

interface Segmented {
  readonly info: { readonly device: string };
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly (readonly number[])[];
}

const TEXT = 'one small pink polyp, located in center of the image';
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

let browser: Browser;
let tarball: string;
let policy: string;

beforeAll(async () => {
  tarball = await pack();
  await installConsumers(tarball);
  policy = await documentedPolicy();
  browser = await chromium.launch({
    executablePath: findChromium()!,
    args: ['--no-sandbox', '--disable-background-networking'],
  });
}, 300_000);
afterAll(() => browser?.close());

/** Not by waitForFunction: it evaluates text in the page, which the policy forbids. `why`: what ends the wait, where something does. */
async function ready(page: Page, why: () => string | false = () => false): Promise<void> {
  while (!(await page.evaluate(() => 'segmentSample' in window))) {
    const failure = why();
    if (failure) throw new Error(failure);
    await setTimeout(20);
  }
}

/** What a page makes of the sample, and what it asked its server for. */
async function segmented(
  folders: Record<string, string>,
  options: Options = {},
  content = policy,
): Promise<{ result: Segmented; asked: readonly string[] }> {
  const site = await serve({ ...shared, ...folders }, { 'content-security-policy': content });
  const page = await browser.newPage();
  const said: string[] = [];
  page.on('console', message => said.push(message.text()));
  const failed: string[] = [];
  page.on('pageerror', error => failed.push(String(error)));
  try {
    await page.goto(`${site.origin}/`);
    await ready(page, () => failed.length > 0 && [...failed, ...said].join('\n'));
    const result = await page.evaluate(([text, given]) => segmentSample(text, given), [
      TEXT,
      { device: 'wasm', ...options } as Options,
    ] as const);
    return { result, asked: site.asked };
  } finally {
    await page.close();
    site.close();
  }
}

const built = (bundler: string) => run(process.execPath, ['build.mjs', bundler], consumers);

function expectLesion({ result }: { result: Segmented }): void {
  expect(result.info.device).toBe('wasm');
  const [x, y, w, h] = result.boxes[0]!;
  // "in center"
  expect(Math.abs((x! + w! / 2) / result.width - 0.5)).toBeLessThan(0.25);
  expect(Math.abs((y! + h! / 2) / result.height - 0.5)).toBeLessThan(0.25);
}

describe('bundlers', () => {
  it('webpack finds worker and wasm, and leaves wasmPaths alone', async () => {
    built('webpack');
    const folder = join(consumers, 'webpack');
    await writePage(folder, '/main.js');
    expectLesion(await segmented({ '/': folder }));
    const ort = join(root, 'node_modules', 'onnxruntime-web', 'dist');
    for (const served of [ort, join(consumers, 'node_modules', 'tmca-edge', 'onnxruntime')]) {
      const outcome = await segmented({ '/': folder, '/ort': served }, { wasmPaths: '/ort' });
      expectLesion(outcome);
      expect(outcome.asked).toContain('/ort/ort.wasm.min.mjs');
      expect(outcome.asked).toContain('/ort/ort-wasm-simd-threaded.wasm');
    }
  });

  it('Vite finds them too, and keeps onnxruntime-web out of the worker', async () => {
    built('vite');
    const folder = join(consumers, 'vite');
    const assets = await readdir(join(folder, 'assets'));
    const holders: string[] = [];
    for (const name of assets.filter(name => name.endsWith('.js')))
      if (/createInferenceSessionHandler/.test(await readFile(join(folder, 'assets', name), 'utf8')))
        holders.push(name);
    expect(holders).toEqual([expect.stringMatching(/^ort-/)]);
    const outcome = await segmented({ '/': folder });
    expectLesion(outcome);
    expect(outcome.asked.filter(path => /ort/.test(path))).toHaveLength(2);
  });

  it('Vite’s development server serves them, with the documented exclusion', async () => {
    const server = await createServer({
      root: consumers,
      configFile: false,
      logLevel: 'error',
      optimizeDeps: { exclude: ['tmca-edge'] },
      server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
      appType: 'mpa',
    });
    await server.listen();
    const models = await serve(shared, { 'access-control-allow-origin': '*' });
    const page = await browser.newPage();
    try {
      await page.goto(`${server.resolvedUrls!.local[0]}src/index.html`);
      await ready(page);
      const options = {
        device: 'wasm',
        model: `${models.origin}/models/nano`,
        image: `${models.origin}/sample.jpg`,
      } as const;
      const result = await page.evaluate(([text, given]) => segmentSample(text, given), [TEXT, options] as const);
      expectLesion({ result });
    } finally {
      await page.close();
      models.close();
      await server.close();
    }
  });

  it.each(['esbuild', 'rollup'])('%s, by the documented lines', async bundler => {
    built(bundler);
    const folder = join(consumers, bundler);
    await writePage(folder, '/app/main.js');
    expectLesion(await segmented({ '/': folder }));
  });

  it('where the files were not copied, the error has the address and the way out, before the model is fetched', async () => {
    built('esbuild');
    const folder = join(consumers, 'esbuild');
    await writePage(folder, '/app/main.js');
    await rm(join(folder, 'onnxruntime'), { recursive: true });
    const site = await serve({ ...shared, '/': folder }, {});
    const page = await browser.newPage();
    await page.goto(site.origin);
    await ready(page);
    const failure = (options: Options) =>
      page.evaluate(
        ([text, given]) => segmentSample(text, given).then(String, error => `${error.code} ${error.message}`),
        [TEXT, options] as const,
      );
    expect(await failure({ device: 'wasm' })).toMatch(
      /^ENGINE_UNAVAILABLE .*\/onnxruntime\/ort\.js, got HTTP 404; serve .* or set wasmPaths/,
    );
    expect(await failure({ device: 'wasm', wasmPaths: '/nowhere' })).toMatch(
      /^ENGINE_UNAVAILABLE .*\/nowhere\/ort\.wasm\.min\.mjs, got HTTP 404/,
    );
    expect(site.asked.filter(path => path.endsWith('.safetensors'))).toEqual([]);
    await rm(join(folder, 'app', 'worker.js'));
    expect(await failure({})).toMatch(/^WORKER_FAILED .*\/app\/worker\.js.*`worker`/);
    await page.close();
    site.close();
  });

  it('a page with an import map, without a bundler', async () => {
    const folder = join(consumers, 'plain');
    const map = '{ "imports": { "tmca-edge": "/tmca-edge/dist/index.js" } }';
    await writePage(folder, '/src/main.js', `<script type="importmap">${map}</script>`);
    const hash = createHash('sha256').update(map).digest('base64');
    const outcome = await segmented(
      { '/': folder, '/src': join(consumers, 'src'), '/tmca-edge': join(consumers, 'node_modules', 'tmca-edge') },
      {},
      policy.replace("script-src 'self'", `script-src 'self' 'sha256-${hash}'`),
    );
    expectLesion(outcome);
  });

  it('Next.js 16 builds a page with Turbopack', async () => {
    const folder = join(consumers, 'next');
    await rm(join(folder, 'out'), { recursive: true, force: true });
    run(process.execPath, [join(consumers, 'node_modules', 'next', 'dist', 'bin', 'next'), 'build'], folder, {
      NEXT_TELEMETRY_DISABLED: '1',
    });
    // Its pages have inline scripts of its own: the one difference that docs/guide/browser.md names.
    const inline = policy.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'");
    expectLesion(await segmented({ '/': join(folder, 'out') }, {}, inline));
  });
});

describe('what a page’s author can change is said', () => {
  const opened = async (change: (policy: string) => string, options: Options) => {
    const folder = join(consumers, 'esbuild');
    await writePage(folder, '/app/main.js');
    const outcome = segmented({ '/': folder }, options, change(policy));
    return outcome.then(
      () => 'nothing',
      error => String(error),
    );
  };
  beforeAll(() => built('esbuild'));

  it('a policy without wasm-unsafe-eval', async () => {
    const said = await opened(content => content.replace(" 'wasm-unsafe-eval'", ''), {});
    expect(said).toMatch(/content security policy must allow WebAssembly, .* add 'wasm-unsafe-eval' to script-src/);
  });

  it('a policy without the worker', async () => {
    const said = await opened(content => content.replace("worker-src 'self'", "worker-src 'none'"), {});
    expect(said).toMatch(/worker.*worker-src/);
  });

  it('a model on a server that sends no CORS header, and one that sends it', async () => {
    for (const headers of [{}, { 'access-control-allow-origin': '*' }]) {
      const other = await serve(shared, headers);
      const said = await opened(
        content => content.replace("connect-src 'self'", `connect-src 'self' ${other.origin}`),
        { model: `${other.origin}/models/nano` },
      );
      other.close();
      if ('access-control-allow-origin' in headers) expect(said).toBe('nothing');
      else expect(said).toMatch(/\(CORS\).*Access-Control-Allow-Origin: http:/);
    }
  });

  it('a model on a server that the policy does not name', async () => {
    const other = await serve(shared, { 'access-control-allow-origin': '*' });
    expect(await opened(content => content, { model: `${other.origin}/models/nano` })).toMatch(/connect-src/);
    other.close();
  });
});

describe('declarations', () => {
  // 5.9 among the consumers' packages, 7 in the repository's.
  const compilers = [consumers, root].map(folder => join(folder, 'node_modules', 'typescript', 'bin', 'tsc'));

  it.each(['bundler', 'nodenext'])('check by themselves, with %s', resolution => {
    for (const tsc of compilers) {
      const said = (() => {
        try {
          return run(process.execPath, [tsc, '-p', `types/tsconfig.${resolution}.json`], consumers);
        } catch (error) {
          return (error as { stdout: string }).stdout;
        }
      })();
      expect(said).toBe('');
    }
  });
});

describe('an installation', () => {
  it('for a page takes at most 40 MB, and the command says what it needs more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tmca-install-'));
    try {
      await writeFile(join(folder, 'package.json'), '{}');
      const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
      run(npm, ['install', ...options, tarball], folder);
      const files = await readdir(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
      let bytes = 0;
      for (const file of files) if (file.isFile()) bytes += (await stat(join(file.parentPath, file.name))).size;
      expect(bytes).toBeLessThan(40_000_000);
      const tmca = (...args: string[]) => {
        try {
          return run(process.execPath, [join('node_modules', 'tmca-edge', 'bin', 'tmca.js'), ...args], folder);
        } catch (error) {
          return (error as { stderr: string }).stderr;
        }
      };
      expect(tmca('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
      const sample = join('node_modules', 'tmca-edge', 'samples', 'polyp-small-pink.jpg');
      expect(tmca('segment', sample, '--text', TEXT)).toMatch(
        /^error \[PACKAGE_MISSING\]: [^\n]*npm install sharp@[\d.]+ webgpu@[\d.]+\n$/,
      );
      // What needs neither runs: the network itself, in wasm.
      const session = `import { openSession } from 'tmca-edge/node';
        const session = await openSession('node_modules/tmca-edge/models/nano');
        const data = new Uint8Array(300).fill(90);
        const { mask } = await session.segment({ data, width: 10, height: 10, channels: 3 }, await session.encodeReport('one polyp'));
        console.log(mask.length, session.info.reason);
        session.dispose();`;
      await writeFile(join(folder, 'session.mjs'), session);
      expect(run(process.execPath, ['session.mjs'], folder)).toMatch(
        /^100 the package webgpu is not installed; wasm runs/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
