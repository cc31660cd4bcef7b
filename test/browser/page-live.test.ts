// The view Live, with a camera that is a canvas of the page and the session of test/fixtures/fake-session.ts.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { brokenLine } from '../../demo/live/audit.js';
import { fakeSession, openPage, openSite, type Site } from './chromium.js';

let site: Site;
let page: Page;
let errors: string[];
beforeAll(async () => {
  site = await openSite({ configFile: 'demo/vite.config.ts', plugins: [fakeSession()] });
});
afterAll(() => site?.close());
beforeEach(async () => {
  ({ page, errors } = await openPage(site, '/'));
  await page.evaluate(() => {
    // A camera of 200 x 100 with a red square that lies at (130, 30); it can be taken away.
    const canvas = Object.assign(document.createElement('canvas'), { width: 200, height: 100 });
    const context = canvas.getContext('2d')!;
    let shade = 0;
    const paint = () => {
      context.fillStyle = `rgb(0 0 ${shade++ % 8})`;
      context.fillRect(0, 0, 200, 100);
      context.fillStyle = '#f00';
      context.fillRect(130, 30, 40, 40);
    };
    setInterval(paint, 50);
    paint();
    navigator.mediaDevices.getUserMedia = async () => {
      if ('refused' in globalThis) throw new DOMException('no', 'NotAllowedError');
      const stream = canvas.captureStream();
      Object.assign(globalThis, { stream });
      return stream;
    };
  });
  await page.click('nav a[href="#live"]');
});
afterEach(async () => {
  await page.context().close();
  expect(errors).toEqual([]);
});

const state = (name: string) => page.locator(`#live-state[data-state="${name}"]`).waitFor();
const start = async (sentence = 'red') => {
  await page.fill('#live-sentence', sentence);
  // Nothing is asked of this machine but to come at all.
  await page.fill('#max-age', '2000');
  await page.click('#camera');
  await state('on');
  await page.locator('#live-count', { hasText: '1 lesion' }).waitFor();
};
const saved = async (button: string) => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
};

it('lays masks over the camera, says how old they are, and lets the camera go', async () => {
  await start();
  await page
    .locator('#strip-text', { hasText: /masks a second · age \d+ ms, 95 % under \d+ ms · \d+ % of frames/ })
    .waitFor();
  expect(await page.textContent('#live-runs')).toBe('“red”');
  expect(await page.textContent('#live-engine')).toBe('fake on WebAssembly, fp32 · CPU fallback');
  expect(await page.textContent('#live-status')).toMatch(/^On: /);
  await page.click('#stop');
  await state('off');
  expect(await page.isDisabled('#record')).toBe(true);
  const live = await page.evaluate(() =>
    (globalThis as unknown as { stream: MediaStream }).stream.getTracks().map(({ readyState }) => readyState),
  );
  expect(live).toEqual(['ended']);
});

it('takes another sentence while it runs, and says that the mask is still the last one’s until then', async () => {
  await start();
  await page.fill('#live-sentence', 'red and round');
  expect(await page.isVisible('#live-pending')).toBe(true);
  await page.click('#apply');
  await page.locator('#live-runs', { hasText: 'red and round' }).waitFor();
  expect(await page.isVisible('#live-pending')).toBe(false);
});

it('asks for a sentence, and begins when there is one', async () => {
  await page.click('#camera');
  await page.locator('#live-status', { hasText: 'Write a sentence, then press Apply.' }).waitFor();
  await page.fill('#max-age', '2000');
  await page.fill('#live-sentence', 'red');
  await page.press('#live-sentence', 'Enter');
  await state('on');
});

it('logs masks, states and sentences in a chain, and no pixels', async () => {
  await start();
  await page.fill('#live-sentence', 'red too');
  await page.click('#apply');
  await page.locator('#live-runs', { hasText: 'red too' }).waitFor();
  await page.click('#stop');
  const { name, bytes } = await saved('#save-log');
  expect(name).toBe('tmca-edge-audit.jsonl');
  const log = bytes.toString();
  expect(await brokenLine(log)).toBeNull();
  const lines = log
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(lines[0]).toMatchObject({
    ...{ event: 'start', source: 'camera', sentence: 'red', maxAgeMs: 2000 },
    ...{ notice: 'Research use only. Not a medical device.', model: { hash: '0'.repeat(64) } },
  });
  expect(lines).toContainEqual(expect.objectContaining({ event: 'sentence', sentence: 'red too' }));
  const mask = lines.find(({ event, lesions }) => event === 'mask' && lesions.length > 0);
  expect(mask).toMatchObject({ width: 200, height: 100, lesions: [{ id: expect.any(Number) }] });
  // Masks of a stream are as fine as the session's map of 8 x 8, so only the middle is that of the square.
  const [x, y, width, height] = mask.lesions[0].box;
  expect([x + width / 2, y + height / 2]).toEqual([150, 50]);
  expect(Math.max(...lines.map(line => JSON.stringify(line).length))).toBeLessThan(1500);
});

it('records picture and overlay as a video', async () => {
  await start();
  await page.click('#record');
  expect(await page.getAttribute('#record', 'aria-pressed')).toBe('true');
  await page.waitForTimeout(1500);
  const { name, bytes } = await saved('#record');
  expect(name).toMatch(/^tmca-edge\.(webm|mp4)$/);
  expect(bytes.length).toBeGreaterThan(1000);
  // EBML, or the box of an MP4.
  expect([bytes.subarray(0, 4).toString('hex'), bytes.subarray(4, 8).toString()]).toEqual(
    name.endsWith('webm') ? ['1a45dfa3', expect.anything()] : [expect.anything(), 'ftyp'],
  );
});

it('says so when the camera may not be used, or is taken away', async () => {
  await page.evaluate(() => Object.assign(globalThis, { refused: true }));
  await page.click('#camera');
  await page.locator('#live-error strong', { hasText: 'The page may not use this camera or screen.' }).waitFor();
  await page.evaluate(() => delete (globalThis as { refused?: true }).refused);
  await start();
  await page.evaluate(() => {
    const [track] = (globalThis as unknown as { stream: MediaStream }).stream.getTracks();
    track!.dispatchEvent(new Event('ended'));
  });
  await page.locator('#live-status', { hasText: 'The camera or the screen was taken away.' }).waitFor();
  expect(await page.isDisabled('#stop')).toBe(true);
});

it('lets the camera go when another view is shown', async () => {
  await start();
  await page.click('nav a[href="#image"]');
  await page.waitForFunction(() =>
    (globalThis as unknown as { stream: MediaStream }).stream
      .getTracks()
      .every(({ readyState }) => readyState === 'ended'),
  );
});
