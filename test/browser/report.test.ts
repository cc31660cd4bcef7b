// Reports and tables as a browser shows them: nothing is fetched or run whatever the data say, and they fit a phone.

import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultConfig } from '../../networks/config.js';
import { renderReport } from '../../reports/run/page.js';
import { tablePage } from '../../reports/study/study-table.js';
import { findChromium } from '../../tools/chromium.mjs';
import { parseTrainConfig } from '../../train/config.js';
import { completeSettings } from '../../train/study/settings.js';

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox'] });
});
afterAll(() => browser?.close());

const evil =
  '</q></style><script>document.title = "run"</script><img src="http://127.0.0.1:9/x" onerror="document.title=\'run\'">';
const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const scores = { n: 9, dice: 0.75, iou: 0.6, accuracy: 0.9, mean_dice: 0.7, mean_iou: 0.5 };

function report(): string {
  const lines = Array.from({ length: 200 }, (_, i) => ({
    ...({ kind: 'step', step: i + 1, epoch: Math.floor(i / 20) } as const),
    ...{ loss: 1 + 1 / (i + 1), segmentation: 1 / (i + 1), contrastive: 1, lr: 1e-4, images_per_second: 9 },
  }));
  const epochs = [20, 200].map((step, i) => ({
    ...({ kind: 'epoch', step, epoch: i * 9 } as const),
    ...{ val_dice: 0.5 + i / 4, val_iou: 0.4, val_mean_dice: 0.5 },
  }));
  const score = { id: evil, dice: 0.5, iou: 0.4, accuracy: 0.9, target: 0.01 };
  const map = { png: pixel, low: 0.5, high: 2 };
  const picture = {
    ...{ score, text: evil, width: 300, height: 250, photo: pixel, maps: [map, map, map] },
    ...{ predicted: 'M10 10L200 10L200 200Z', marked: 'M20 20L220 10L200 220Z' },
  };
  return renderReport({
    folder: evil,
    info: {
      ...{ package: evil, command: `tmca train ${evil}`, seed: 1, started: evil, ended: { at: evil, why: evil } },
      data: { folder: evil, name: evil, records: { [evil]: 1 } },
      device: { adapter: evil, software: true, dtype: 'fp32' },
      config: { [evil]: evil, lr: 1 },
    },
    model: { ...defaultConfig('tmca'), name: evil, extra: { [evil]: evil } },
    lines: [...lines, ...epochs],
    test: {
      ...{
        ...scores,
        per_image: [score],
        without: { [evil]: scores },
        empty_masks: 0,
        notes: [evil],
        truncated: 0,
        integrity: 'checked',
        data: evil,
        split: evil,
        ran: evil,
      },
      sentences: {
        rows: [{ name: 'full', ...scores, example: evil, truncated: 0 }],
        fit: { auroc_other: null, auroc_swapped: null },
        ...{ device: 'wasm', dtype: 'fp32', data: evil, split: evil, model: evil, hash: evil },
        ...{ size: 32, threshold: 0.5, integrity: 'checked', empty_masks: 0, notes: [evil] },
        adapter: { vendor: evil, architecture: evil, description: evil, software: true, features: [] },
      },
      groups: [{ name: 'Best', pictures: [picture, picture, picture] }],
    },
    withoutTest: null,
    created: evil,
  });
}

function table(): string {
  const spread = { mean: 0.75, deviation: 0.01, values: [0.74, 0.76] };
  const columns = ['a', 'b', 'c', evil].map(key => ({ key, title: `test Dice ${key}`, digits: 4 }));
  const cells = Object.fromEntries(columns.map(({ key }) => [key, spread]));
  const row = { name: evil, patch: {}, done: 2, of: 3, diverged: 0, cells, gain: null, paper: { a: 0.5 } };
  const settings = completeSettings(parseTrainConfig({}, 'test'));
  return tablePage(
    { title: evil, notes: [evil], columns, rows: [row, { ...row, name: 'other', gain: spread }] },
    settings,
  );
}

describe.each([
  ['report', report],
  ['table', table],
])('%s', (_, make) => {
  test.each([
    ['a screen', { width: 1200, height: 900 }],
    ['a phone', { width: 360, height: 740 }],
  ])('on %s', async (__, viewport) => {
    const page = await browser.newPage({ viewport });
    const [requests, complaints]: string[][] = [[], []];
    page.on('request', request => requests!.push(request.url()));
    page.on('console', message => complaints!.push(message.text()));
    page.on('pageerror', error => complaints!.push(String(error)));
    await page.setContent(make(), { waitUntil: 'load' });
    expect(requests!.filter(url => !url.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
    expect(await page.title()).not.toBe('run');
    // what the data say is there as text
    expect(await page.locator('h1').innerText()).toBe(evil);
    expect(await page.locator('script, img, iframe, object, embed, link, form').count()).toBe(0);
    // nothing to scroll sideways but the tables in their boxes
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    const overlapping = await page.evaluate(() => {
      const boxes = [...document.querySelectorAll('figure, .tile')].map(each => each.getBoundingClientRect());
      return boxes.filter((a, i) =>
        boxes.some(
          (b, j) =>
            i < j && a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top + 1 && b.bottom > a.top + 1,
        ),
      ).length;
    });
    expect(overlapping).toBe(0);
    await page.close();
  });
});

test('a photo is there once, and its maps are drawn over it', async () => {
  const page = await browser.newPage();
  await page.setContent(report());
  const ids = await page.locator('svg.photo image').evaluateAll(images => images.map(image => image.id));
  expect(new Set(ids).size).toBe(3);
  const used = await page.locator('.maps use').evaluateAll(uses => uses.map(use => use.getAttribute('href')));
  expect(used).toEqual(ids.flatMap(id => [`#${id}`, `#${id}`, `#${id}`]));
  await page.close();
});

test('dark where the reader has it dark, and light on paper', async () => {
  const page = await browser.newPage({ colorScheme: 'dark' });
  await page.setContent(report());
  const brightness = () =>
    page.evaluate(() => {
      const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g)!.map(Number);
      return red! + green! + blue!;
    });
  expect(await brightness()).toBeLessThan(150);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await brightness()).toBe(3 * 255);
  await page.close();
});
