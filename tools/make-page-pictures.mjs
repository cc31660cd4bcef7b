// `node tools/make-page-pictures.mjs`: builds the page and writes docs/images/page-VIEW-THEME-WIDTH.webp, the pictures of
// docs/guide/page.md. Everything in them is of the repository: the samples, a camera that shows them, and drawn examples to train on.

import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { build, preview } from 'vite';
import { findChromium } from './chromium.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const images = join(root, 'docs', 'images');
const SIZES = [
  [768, 1024],
  [1280, 800],
  [3840, 2160],
];
/** Bytes of one picture. */
const LARGEST = 80_000;

const SENTENCE = 'one medium white heart polyp, located in bottom right of the image';
const OTHER = 'one small polyp, located in top left of the image';

/** A film of the samples for Chromium's fake camera: JPEG files one after another. */
async function film(folder) {
  const sample = join(root, 'samples', 'polyp-medium-bottom-right.jpg');
  const frame = await sharp(sample).resize(640, 480, { fit: 'cover' }).jpeg({ quality: 90 }).toBuffer();
  const path = join(folder, 'camera.mjpeg');
  await writeFile(path, Buffer.concat(Array.from({ length: 30 }, () => frame)));
  return path;
}

/** Six drawn pictures, each with its mask and a sentence. */
async function drawnExamples() {
  const places = [
    ['left', 70, 120],
    ['right', 250, 120],
    ['top', 160, 60],
    ['bottom', 160, 180],
    ['center', 160, 120],
    ['top right', 240, 70],
  ];
  const files = [];
  const records = [];
  const svg = body => Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">${body}</svg>`);
  for (const [at, [place, x, y]] of places.entries()) {
    const r = 26 + 5 * (at % 3);
    const light =
      '<radialGradient id="w"><stop offset="0" stop-color="#d98a6a"/><stop offset="1" stop-color="#6d2a22"/></radialGradient>' +
      '<radialGradient id="p" cx="0.35" cy="0.35"><stop offset="0" stop-color="#f6d3c0"/><stop offset="1" stop-color="#c46f5c"/></radialGradient>';
    const picture = svg(
      `<defs>${light}</defs><rect width="320" height="240" fill="url(#w)"/><circle cx="${x}" cy="${y}" r="${r}" fill="url(#p)"/>`,
    );
    const mask = svg(`<rect width="320" height="240"/><circle cx="${x}" cy="${y}" r="${r}" fill="#fff"/>`);
    const name = `drawn-${at + 1}`;
    files.push({ name: `${name}.png`, mimeType: 'image/png', buffer: await sharp(picture).png().toBuffer() });
    files.push({ name: `${name}_mask.png`, mimeType: 'image/png', buffer: await sharp(mask).png().toBuffer() });
    records.push({ image: `${name}.png`, text: `one small pink round polyp, located in ${place} of the image` });
  }
  const list = Buffer.from(JSON.stringify({ name: 'drawn', records }));
  return [...files, { name: 'dataset.json', mimeType: 'application/json', buffer: list }];
}

/** What each view is brought to before its picture is taken. */
const views = {
  async image(page) {
    await page.locator('#samples button').nth(1).click();
    await page.locator('.result[data-slot="a"]:visible').waitFor();
    await page.check('#compare');
    await page.fill('#sentence-b', OTHER);
    await page.click('#run');
    await page.locator('#status', { hasText: 'B:' }).waitFor();
  },
  async live(page) {
    await page.fill('#live-sentence', SENTENCE);
    // A device without a GPU is slower than the usual limit.
    await page.fill('#max-age', '600');
    await page.click('#camera');
    await page.locator('#strip-text', { hasText: 'masks a second' }).waitFor();
    await page.waitForTimeout(10_000);
  },
  async train(page) {
    await page.setInputFiles('#train-files', await drawnExamples());
    await page.locator('.example').nth(5).waitFor();
    await page.fill('#steps', '12');
    await page.fill('#batch', '2');
    await page.click('#train-start');
    await page.locator('#train-result:visible, #train-error:visible').first().waitFor();
  },
};

async function save(png, name) {
  const path = join(images, `${name}.webp`);
  for (let quality = 80; ; quality -= 12) {
    await sharp(png).webp({ quality, effort: 4 }).toFile(path);
    const { size } = await stat(path);
    if (size <= LARGEST || quality < 20) return console.log(`${name}.webp: ${Math.round(size / 1000)} kB`);
  }
}

const outDir = join(root, 'build', 'page-pictures');
const configFile = join(root, 'demo', 'vite.config.ts');
await build({ logLevel: 'error', configFile, build: { outDir, emptyOutDir: true } });
const served = { host: '127.0.0.1', port: 0, open: false };
const server = await preview({ logLevel: 'error', configFile, build: { outDir }, preview: served });
const folder = await mkdtemp(join(tmpdir(), 'tmca-page-'));
await mkdir(images, { recursive: true });
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [
    ...['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    `--use-file-for-fake-video-capture=${await film(folder)}`,
  ],
});
try {
  const asked = process.argv.slice(2);
  for (const view of asked.length ? asked : Object.keys(views)) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: 'block' });
    const page = await context.newPage();
    page.setDefaultTimeout(600_000);
    await page.goto(`${server.resolvedUrls.local[0]}#${view}`);
    await views[view](page);
    // One run, and six pictures of what it came to.
    for (const [width, height] of SIZES)
      for (const colorScheme of ['dark', 'light']) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(1500);
        await save(await page.screenshot({ animations: 'disabled' }), `page-${view}-${colorScheme}-${width}`);
      }
    await context.close();
  }
} finally {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true });
}
