// The page, driven as a user drives it, with the session of test/fixtures/fake-session.ts: its sentences say what goes wrong.

import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fakeSession, openPage, openSite, type Site } from './chromium.js';

let site: Site;
let page: Page;
let errors: string[];
let redSquare: Buffer;

beforeAll(async () => {
  site = await openSite({ configFile: 'demo/vite.config.ts', plugins: [fakeSession()] });
  // 200x100, black, with a red square of 40x40 at (130, 30).
  redSquare = await sharp({ create: { width: 200, height: 100, channels: 3, background: '#000' } })
    .composite([{ input: { create: { width: 40, height: 40, channels: 3, background: '#f00' } }, left: 130, top: 30 }])
    .png()
    .toBuffer();
});
afterAll(() => site?.close());

beforeEach(async () => {
  await open('/');
});
afterEach(async () => {
  await page.context().close();
  expect(errors).toEqual([]);
});

async function open(path: string, size?: { width: number; height: number }): Promise<void> {
  await page?.context().close();
  ({ page, errors } = await openPage(site, path, size));
}

const choose = (name: string, buffer: Buffer) => page.setInputFiles('#file', { name, mimeType: 'image/png', buffer });
const status = (text: string | RegExp) => page.locator('#status', { hasText: text }).waitFor();
const alert = (code: string) => page.locator('#error code', { hasText: code }).waitFor();

/** Opacity (0..255) of the overlay over a pixel of `redSquare`. */
const overlayAt = (x: number, y: number) =>
  page.evaluate(
    ([x, y]) => {
      const canvas = document.querySelector('canvas')!;
      const scale = Math.min(canvas.width / 200, canvas.height / 100);
      const [left, top] = [(canvas.width - 200 * scale) / 2, (canvas.height - 100 * scale) / 2];
      return canvas.getContext('2d')!.getImageData(left + (x + 0.5) * scale, top + (y + 0.5) * scale, 1, 1).data[3]!;
    },
    [x, y] as const,
  );

const write = async (sentence: string) => {
  await page.fill('#sentence', sentence);
  await page.press('#sentence', 'Enter');
};

describe('the page', () => {
  it('says what it is for, and asks nobody else for anything', async () => {
    const requests: string[] = [];
    page.on('request', request => requests.push(request.url()));
    await page.reload();
    await status('Ready. Open an image or choose a sample.');
    expect(await page.textContent('.notice')).toBe('Research use only. Not a medical device.');
    expect(requests.length).toBeGreaterThan(5);
    expect(requests.filter(url => !/^(data|blob):/.test(url) && !url.startsWith(site.origin))).toEqual([]);
  });

  it('segments a file, lists its lesions and draws them where they are', async () => {
    await choose('square.png', redSquare);
    await status('1 lesion in 6 ms.');
    expect(await page.locator('#lesions li > *').allTextContents()).toEqual([
      '1.00',
      '8.0 % of the view',
      '1,600 px in 40 × 40 at 130, 30',
    ]);
    // 35 % of 255.
    expect(await overlayAt(150, 50)).toBe(89);
    expect(await overlayAt(100, 50)).toBe(0);
    await page.fill('#opacity', '80');
    expect(await overlayAt(150, 50)).toBe(204);
    const facts = await page.textContent('#facts');
    for (const fact of ['WebAssembly', 'fp32', 'threshold on red', '6 ms: image 1, network 2, mask 3']) {
      expect(facts).toContain(fact);
    }
    // Said of adapters, where it is a surprise; wasm runs on the CPU by its nature.
    expect(facts).not.toContain('(software)');
    expect(await page.textContent('#reason')).toBe('A test asked for a session without a network.');
  });

  it('hides the overlay on "h", unless someone is writing', async () => {
    await choose('square.png', redSquare);
    await status('1 lesion');
    await page.keyboard.press('h');
    expect(await overlayAt(150, 50)).toBe(0);
    expect(await page.getAttribute('#hide', 'aria-pressed')).toBe('true');
    await page.locator('#sentence').pressSequentially('h');
    expect(await overlayAt(150, 50)).toBe(0);
    await page.click('#hide');
    expect(await overlayAt(150, 50)).toBe(89);
  });

  it('can be used without a mouse', async () => {
    await choose('square.png', redSquare);
    await status('1 lesion');
    const reached: (string | null)[] = [];
    await page.focus('#file');
    for (let step = 0; step < 40; step++) {
      reached.push(await page.evaluate(() => document.activeElement?.id || document.activeElement!.tagName));
      await page.keyboard.press('Tab');
    }
    expect(reached).toEqual(
      expect.arrayContaining(['file', 'hide', 'opacity', 'SELECT', 'sentence', 'device', 'dtype', 'run', 'LI']),
    );
  });

  it('builds the sentence from choices, and the choices from a sentence', async () => {
    const choices = page.locator('#builder select');
    await choices.nth(0).selectOption('two');
    await choices.nth(4).selectOption('bottom left');
    expect(await page.inputValue('#sentence')).toBe('two small pink round polyp, located in bottom left of the image');
    await page.fill('#sentence', 'One large white oval polyp, located in top of the image.');
    expect(await choices.evaluateAll(all => all.map(one => (one as HTMLSelectElement).value))).toEqual([
      'one',
      'large',
      'white',
      'oval',
      'top',
    ]);
    await page.fill('#sentence', 'a polyp');
    expect(await page.getAttribute('#builder', 'class')).toContain('stale');
  });

  it('has one column on a narrow screen, with nothing cut off', async () => {
    await open('/', { width: 420, height: 900 });
    await choose('square.png', redSquare);
    await status('1 lesion');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(420);
    expect(await overlayAt(150, 50)).toBe(89);
  });
});

describe('when something goes wrong', () => {
  it('shows the code, drops the old mask, and works again after it', async () => {
    await choose('square.png', redSquare);
    await status('1 lesion');
    for (const [sentence, code] of [
      ['lost', 'DEVICE_LOST'],
      ['crash', 'WORKER_DIED'],
      ['plain', 'INTERNAL'],
      ['  ', 'TEXT_EMPTY'],
    ] as const) {
      await write(sentence);
      await alert(code);
      expect(await overlayAt(150, 50), sentence).toBe(0);
      expect(await page.isVisible('#result')).toBe(false);
      await page.fill('#sentence', 'red');
      await page.click('#error button');
      await status('1 lesion');
      expect(await page.isVisible('#error')).toBe(false);
      expect(await overlayAt(150, 50), sentence).toBe(89);
    }
  });

  it('refuses a file that is no image', async () => {
    await choose('square.png', redSquare);
    await status('1 lesion');
    await choose('notes.png', Buffer.from('not an image'));
    await alert('IMAGE_UNREADABLE');
    expect(await page.textContent('#error')).toContain('Open a JPEG, PNG or WebP file.');
  });

  it('says so when the model cannot be loaded', async () => {
    await open('/?model=/models/missing');
    await alert('DOWNLOAD_FAILED');
    expect(await page.textContent('#error')).toContain('got 404; check the address');
  });

  it('lets the newest run win', async () => {
    await choose('square.png', redSquare);
    await status('1 lesion');
    await write('never');
    await write('lost');
    await write('red');
    await status('1 lesion');
    expect(await page.isVisible('#error')).toBe(false);
  });
});

describe('while the model loads', () => {
  it('shows progress', async () => {
    await open('/?model=/models/slow');
    const values = new Set<number>();
    while ((await page.getAttribute('#state', 'data-state')) !== 'ready') {
      if (await page.isVisible('#progress'))
        values.add(await page.$eval('#progress', bar => (bar as HTMLProgressElement).value));
    }
    expect([...values]).toEqual(expect.arrayContaining([0.5]));
    expect(await page.isVisible('#progress')).toBe(false);
  });
});

describe('its server', () => {
  it('serves models and samples, and answers everything else with 404, not with a page', async () => {
    expect(await (await fetch(`${site.origin}/models/nano/config.json`)).json()).toMatchObject({ name: 'nano-128' });
    expect((await fetch(`${site.origin}/samples/samples.json`)).headers.get('content-type')).toBe('application/json');
    for (const path of ['/models/nope', '/samples/', '/models/..%2fpackage.json', '/models/%']) {
      expect((await fetch(site.origin + path)).status, path).toBe(404);
    }
  });
});
