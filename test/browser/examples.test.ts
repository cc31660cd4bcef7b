// The five examples, as the packed package holds them, started as examples/README.md says.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../../tools/chromium.mjs';
import { consumers, pack, run, type Served, serve, unpack } from './consumers.js';

const installed = join(consumers, 'node_modules', 'tmca-edge');
const samples = join(installed, 'samples');
const nano = join(installed, 'models', 'nano');
const SAMPLE = '/node_modules/tmca-edge/samples/polyp-small-pink.jpg';
const TEXT = 'one small pink round polyp, located in bottom right of the image';

let browser: Browser;
let site: Served;

beforeAll(async () => {
  await unpack(await pack());
  rmSync(join(consumers, 'examples'), { recursive: true, force: true });
  cpSync(join(installed, 'examples'), join(consumers, 'examples'), { recursive: true });
  site = await serve({ '/': consumers }, {});
  browser = await chromium.launch({
    executablePath: findChromium()!,
    args: [
      ...['--no-sandbox', '--disable-background-networking'],
      ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
      ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    ],
  });
});
afterAll(async () => {
  await browser?.close();
  site?.close();
});

/** The page of an example, once it says what is awaited. */
async function opened(name: string, awaited: RegExp): Promise<{ page: Page; said: string; errors: string[] }> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(String(error)));
  await page.goto(`${site.origin}/examples/${name}/`);
  const status = page.getByRole('status');
  await expect.poll(() => (errors.length > 0 ? errors.join('\n') : status.innerText())).toMatch(awaited);
  return { page, said: await status.innerText(), errors };
}

/** Shares of the canvas's pixels: those that hold a picture, and those that differ from a picture at that address. */
const shares = (page: Page, picture: string) =>
  page.evaluate(async address => {
    const canvas = document.querySelector('canvas')!;
    const { width, height } = canvas;
    const plain = new OffscreenCanvas(width, height).getContext('2d')!;
    plain.drawImage(await createImageBitmap(await (await fetch(address)).blob()), 0, 0);
    const [{ data: shown }, { data: given }] = [canvas.getContext('2d')!, plain].map(context =>
      context.getImageData(0, 0, width, height),
    ) as [ImageData, ImageData];
    let [painted, different] = [0, 0];
    for (let i = 0; i < shown.length; i += 4) {
      if (shown[i + 3] === 255) painted++;
      if (Math.abs(shown[i]! - given[i]!) > 20) different++;
    }
    return { painted: painted / (width * height), different: different / (width * height) };
  }, picture);

test('image-page: the sample with its mask, then an image that is chosen', async () => {
  const { page, errors } = await opened('image-page', /^1 lesions, found on wasm/);
  const { painted, different } = await shares(page, SAMPLE);
  expect(painted).toBe(1);
  expect(different).toBeGreaterThan(0.005);
  expect(different).toBeLessThan(0.2);
  const size = () =>
    page.evaluate(() => [document.querySelector('canvas')!.width, document.querySelector('canvas')!.height]);
  const other = await sharp(join(samples, 'polyp-large-left.jpg')).resize(300, 200, { fit: 'fill' }).png().toBuffer();
  await page.getByLabel('Image').setInputFiles({ name: 'other.png', mimeType: 'image/png', buffer: other });
  await expect.poll(size).toEqual([300, 200]);
  await page
    .getByLabel('Image')
    .setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await expect.poll(() => page.getByRole('status').innerText()).toMatch(/must|decode/);
  expect(errors).toEqual([]);
});

test('camera-page: frames segmented and counted, a state with its reason, and the canvas over the video', async () => {
  const { page, errors } = await opened(
    'camera-page',
    /^(?:[3-9]|\d{2,}) frames segmented, \d+ dropped; \d+ lesions, \d+ ms/,
  );
  expect(await page.locator('#state').innerText()).toMatch(/^(on|late|degraded|starting): \w/);
  const boxes = await page.evaluate(() =>
    ['video', 'canvas'].map(name => {
      const { left, top, width, height } = document.querySelector(name)!.getBoundingClientRect();
      return [left, top, width, height].map(Math.round);
    }),
  );
  expect(boxes[1]).toEqual(boxes[0]);
  await page.getByLabel('Sentence').fill(' ');
  await page.getByLabel('Sentence').press('Enter');
  await expect.poll(() => page.evaluate(() => document.querySelector('video')!.paused)).toBe(false);
  expect(errors).toEqual([]);
});

test('train-in-page: losses that fall, and a model.safetensors', async () => {
  const { page, errors } = await opened('train-in-page', /^The training is done/);
  const losses = (await page.getByRole('listitem').allInnerTexts()).map(text => Number(/loss ([\d.]+)/.exec(text)![1]));
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0]!);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link').click()]);
  const bytes = readFileSync(await download.path());
  expect(Object.keys(JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))))).toContain(
    '__metadata__',
  );
  expect(errors).toEqual([]);
});

function workFolder(): string {
  const folder = mkdtempSync(join(consumers, 'work-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const example = (name: string) => join(consumers, 'examples', name, 'main.mjs');

test('node-batch: a mask of its image’s size for each sample, and results.json', async () => {
  const folder = workFolder();
  const said = run(process.execPath, [example('node-batch'), samples, TEXT, 'out'], folder);
  expect(said).toMatch(/^4 images on wasm/);
  const results = JSON.parse(readFileSync(join(folder, 'out', 'results.json'), 'utf8'));
  expect(results).toHaveLength(4);
  for (const { file, mask, width, height, lesions } of results) {
    const image = await sharp(join(samples, file)).metadata();
    expect([width, height]).toEqual([image.width, image.height]);
    const { data, info } = await sharp(join(folder, 'out', mask))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([width, height]);
    const inside = data.filter((value, i) => i % info.channels === 0 && value === 255).length;
    expect(inside).toBe(lesions.reduce((sum: number, { area }: { area: number }) => sum + area, 0));
  }
});

test('onnx-runtime: the exported network finds what the package finds', async () => {
  const folder = workFolder();
  const command = (args: string[], input = '') =>
    execFileSync(process.execPath, [join(installed, 'bin', 'tmca.js'), ...args], {
      cwd: folder,
      encoding: 'utf8',
      input,
    });
  const sample = join(samples, 'polyp-small-pink.jpg');
  command(['export-onnx', nano, '--out', 'onnx', '--dtype', 'fp32']);
  writeFileSync(
    join(folder, 'ids.json'),
    command(['tokenize', '--vocab', join(nano, 'vocab.txt')], JSON.stringify(TEXT)),
  );
  expect(run(process.execPath, [example('onnx-runtime'), 'onnx', 'ids.json', sample], folder)).toMatch(
    /^mask\.png: [1-9]/,
  );
  command(['segment', sample, '--text', TEXT, '--out', '.', '--device', 'wasm']);
  const [theirs, ours] = await Promise.all(
    ['mask.png', 'polyp-small-pink.mask.png'].map(name =>
      sharp(join(folder, name))
        .resize(128, 128, { fit: 'fill', kernel: 'nearest' })
        .toColourspace('b-w')
        .raw()
        .toBuffer(),
    ),
  );
  const [both, either] = [(a: boolean, b: boolean) => a && b, (a: boolean, b: boolean) => a || b].map(
    join => ours!.filter((value, i) => join(value > 127, theirs![i]! > 127)).length,
  );
  expect(both! / either!).toBeGreaterThan(0.9);
});

test('examples/README.md has a line for each, and names no other', () => {
  const named = [
    ...readFileSync(join(consumers, 'examples', 'README.md'), 'utf8').matchAll(/^\| \[([\w-]+)\]\(([\w-]+)\)/gm),
  ].map(([, name, link]) => [name, link]);
  const all = ['image-page', 'camera-page', 'node-batch', 'train-in-page', 'onnx-runtime'];
  expect(named).toEqual(all.map(name => [name, name]));
});
