// The shipped model in the browser: through the page, and against the same model in Node. Both on software adapters, but of different
// makers (SwiftShader here, llvmpipe there), so that equal masks say something.

import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { realEngine } from '../../cli/engine.js';
import type { SegmenterOptions } from '../../runtime/index.js';
import { call } from '../unit/cli-fakes.js';
import { openBuiltSite, openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';

/** What can be sent to a page as it is. */
type Options = Partial<Omit<SegmenterOptions, 'model'>> & { readonly model?: string };

const root = fileURLToPath(new URL('../..', import.meta.url));
const samples: { file: string; text: string }[] = JSON.parse(readFileSync(`${root}/samples/samples.json`, 'utf8'));
/** `TMCA_SCREENSHOT=docs/page.png` renews the picture of the README. */
const screenshot = process.env.TMCA_SCREENSHOT ?? 'build/page.png';

let site: Site;
afterEach(() => site?.close());

/** The mask file of `tmca segment` for a picture: 0 and 1. */
async function commandMask(png: Buffer, text: string): Promise<{ mask: Uint8Array; width: number; height: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'tmca-model-'));
  try {
    const image = join(folder, 'image.png');
    await writeFile(image, png);
    const options = [
      '--model',
      `${root}/models/nano`,
      '--out',
      folder,
      '--device',
      'webgpu',
      '--dtype',
      'fp32',
      '--json',
    ];
    const { code, json } = await call(['segment', image, '--text', text, ...options], { engine: realEngine });
    expect(code).toBe(0);
    const [{ mask, width, height }] = json as [{ mask: string; width: number; height: number }];
    const bytes = await sharp(mask).toColourspace('b-w').raw().toBuffer();
    return { mask: Uint8Array.from(bytes, value => value / 255), width, height };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the shipped model', () => {
  it('segments a sample on the built page, in a worker, on WebGPU', async () => {
    site = await openBuiltSite('demo/vite.config.ts', `${root}/build/test-demo`);
    const { page, errors } = await openPage(site, '/');
    await page.click('#engine summary');
    await page.selectOption('#device', 'webgpu');
    await page.locator('#samples button').nth(1).click();
    await page.locator('.result:visible, #error:visible').first().waitFor();
    expect(await page.textContent('#error'), 'no error').toBe('');
    expect(await page.inputValue('#sentence')).toBe(samples[1]?.text);
    expect(await page.textContent('#facts')).toMatch(/WebGPU.*software.*nano-128, 128 × 128/s);
    // "one medium white heart polyp, located in bottom right": so is the largest lesion.
    const [width, height] = await page.$eval('.pane-a img', (image: HTMLImageElement) => [
      image.naturalWidth,
      image.naturalHeight,
    ]);
    const lesion = await page.locator('.result .lesion .fine').first().textContent();
    const [area, w, h, x, y] = /([\d,]+) px in (\d+) × (\d+) at (\d+), (\d+)/
      .exec(lesion!)!
      .slice(1)
      .map(digits => Number(digits.replaceAll(',', '')));
    expect([x! + w! / 2 > width! / 2, y! + h! / 2 > height! / 2]).toEqual([true, true]);
    expect(area! / (width! * height!)).toBeGreaterThan(0.05);
    expect(area! / (width! * height!)).toBeLessThan(0.3);
    expect(errors).toEqual([]);
    await mkdir(dirname(`${root}/${screenshot}`), { recursive: true });
    await page.screenshot({ path: `${root}/${screenshot}` });
  });

  it('runs in wasm where there is no adapter, and WebGPU by name says what to do', async () => {
    site = await openBuiltSite('demo/vite.config.ts', `${root}/build/test-demo`, ['--disable-gpu']);
    const { page, errors } = await openPage(site, '/');
    const requests: string[] = [];
    page.on('request', request => requests.push(request.url()));
    await page.locator('#samples button').nth(1).click();
    await page.locator('.result:visible, #error:visible').first().waitFor();
    expect(await page.textContent('#error'), 'no error').toBe('');
    expect(await page.textContent('#facts')).toMatch(/WebAssembly.*onnxruntime-web.*nano-128, 128 × 128/s);
    expect(await page.textContent('#reason')).toMatch(/^there is no WebGPU adapter; wasm/);
    const lesion = await page.locator('.result .lesion .fine').first().textContent();
    expect(lesion).toMatch(/px in \d+ × \d+ at/);
    expect(errors).toEqual([]);
    expect(
      requests.filter(url => /^https?:/.test(url) && !url.startsWith(site!.origin)),
      'nothing from elsewhere',
    ).toEqual([]);
    await page.click('#engine summary');
    await page.selectOption('#device', 'webgpu');
    await page.locator('#error:visible').waitFor();
    expect(await page.textContent('#error code')).toMatch(/^NO_(ADAPTER|WEBGPU)$/);
    expect(await page.textContent('#error')).toContain('WebGPU');
  });

  it('gives the mask that `tmca segment` writes, on WebGPU and in wasm; nearly so in int8', async () => {
    const sample = samples[1]!;
    // Lossless: JPEG decoders differ in the last bit.
    const png = await sharp(`${root}/samples/${sample.file}`).png().toBuffer();
    const expected = await commandMask(png, sample.text);
    site = await openSite({ configFile: false, root, assetsInclude: ['**/*.deflate'] });
    const { page } = await openPage(site, '/test/browser/pages/lab.html');
    await page.waitForFunction(() => 'lab' in globalThis);
    const segmentedIn = (options: Options) =>
      page.evaluate(
        async ([png, text, options]) => {
          const segmenter = await lab.start('default', { model: '/models/nano', ...options });
          const result = await segmenter.segment(lab.blob(png, 'image/png'), await segmenter.encodeReport(text));
          const { device, dtype } = segmenter.info;
          await segmenter.dispose();
          return { mask: [...result.mask], width: result.width, height: result.height, ran: `${device} ${dtype}` };
        },
        [png.toString('base64'), sample.text, options] as const,
      );
    const lesion = expected.mask.reduce((sum, value) => sum + value, 0);
    expect(lesion, 'a mask that is neither empty nor full').toBeGreaterThan(expected.mask.length / 25);
    expect(lesion).toBeLessThan(expected.mask.length / 3);
    const equal = (mask: readonly number[]) =>
      expected.mask.reduce((sum, value, at) => sum + Number(value === mask[at]), 0) / expected.mask.length;
    const runs: readonly [Options, ran: string, share: number][] = [
      [{ device: 'webgpu', dtype: 'fp32' }, 'webgpu fp32', 0.999],
      // What int8 needs is imported by the worker when it is asked for.
      [{ device: 'webgpu', dtype: 'int8' }, 'webgpu int8', 0.995],
      [{ device: 'wasm' }, 'wasm fp16', 0.999],
      // As a page without a bundler names it.
      [{ device: 'wasm', wasmPaths: '/node_modules/onnxruntime-web/dist' }, 'wasm fp16', 0.999],
    ];
    for (const [options, ran, share] of runs) {
      const got = await segmentedIn(options);
      expect([got.width, got.height, got.ran]).toEqual([expected.width, expected.height, ran]);
      expect(equal(got.mask), ran).toBeGreaterThanOrEqual(share);
    }
  });
});
