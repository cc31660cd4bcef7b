// The view Image of the page, driven as a user drives it, with the session of test/fixtures/fake-session.ts: its sentences say what
// goes wrong.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fakeSession, openPage, openSite, type Site } from './chromium.js';

let site: Site;
let page: Page;
let errors: string[];
let redSquare: Buffer;
let redCorner: Buffer;
let speckled: Buffer;
let truth: Buffer;

const square = (colour: string, size: number, left: number, top: number) => ({
  ...{ input: { create: { width: size, height: size, channels: 3 as const, background: colour } }, left, top },
});
const picture = (...squares: ReturnType<typeof square>[]) =>
  sharp({ create: { width: 200, height: 100, channels: 3, background: '#000' } })
    .composite(squares)
    .png()
    .toBuffer();

beforeAll(async () => {
  site = await openSite({ configFile: 'demo/vite.config.ts', plugins: [fakeSession()] });
  redSquare = await picture(square('#f00', 40, 130, 30));
  redCorner = await picture(square('#f00', 20, 10, 10));
  speckled = await picture(square('#f00', 3, 50, 50));
  truth = await picture(square('#fff', 40, 130, 50));
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

const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer });
const choose = (...files: ReturnType<typeof file>[]) => page.setInputFiles('#file', files);
const status = (text: string | RegExp) => page.locator('#status', { hasText: text }).waitFor();
const headline = (text: string) => page.locator('#error strong', { hasText: text }).waitFor();
const result = (slot = 'a') => page.locator(`.result[data-slot="${slot}"]`);

/** Colour and opacity of the overlay over a pixel of a picture of 200 x 100. */
const overlayAt = (x: number, y: number, pane = 'a') =>
  page.evaluate(
    ([x, y, pane]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`.pane-${pane} canvas`)!;
      const scale = Math.min(canvas.width / 200, canvas.height / 100);
      const [left, top] = [(canvas.width - 200 * scale) / 2, (canvas.height - 100 * scale) / 2];
      return [...canvas.getContext('2d')!.getImageData(left + (x + 0.5) * scale, top + (y + 0.5) * scale, 1, 1).data];
    },
    [x, y, pane] as const,
  );
const opacityAt = async (x: number, y: number, pane?: string) => (await overlayAt(x, y, pane))[3];

const write = async (sentence: string) => {
  await page.fill('#sentence', sentence);
  await page.press('#sentence', 'Enter');
};
/** Opens the red square and segments it. */
const segmented = async (sentence = 'red') => {
  await choose(file('square.png', redSquare));
  await status('Write a sentence about square.png');
  await write(sentence);
  await status('1 lesion in');
};

describe('the page', () => {
  it('says what it is for, and asks nobody else for anything', async () => {
    const requests: string[] = [];
    page.on('request', request => requests.push(request.url()));
    await page.reload();
    await status('Ready. Open an image or choose a sample.');
    expect(await page.textContent('.notice')).toBe(
      'Research use only. Not a medical device. Nothing leaves this machine.',
    );
    expect(requests.length).toBeGreaterThan(5);
    expect(requests.filter(url => !/^(data|blob):/.test(url) && !url.startsWith(site.origin))).toEqual([]);
  });

  it('segments a file, lists its lesions and draws them where they are', async () => {
    await segmented();
    expect(await result().locator('.count').textContent()).toBe('1 lesion');
    expect(await result().locator('.lesion > *').allTextContents()).toEqual([
      '1',
      '8.0 % of the view',
      'mean pixel probability 1.00',
      '1,600 px in 40 × 40 at 130, 30',
    ]);
    // 35 % of 255.
    expect(await opacityAt(150, 50)).toBe(89);
    expect(await opacityAt(100, 50)).toBe(0);
    await page.fill('#opacity', '80');
    expect(await opacityAt(150, 50)).toBe(204);
    await page.locator('#paint label', { hasText: 'Outline' }).click();
    expect(await opacityAt(150, 50)).toBe(0);
    expect(await opacityAt(150, 30)).toBeGreaterThan(100);
  });

  it('says in one line what runs, and folds the rest', async () => {
    await segmented();
    expect(await page.textContent('#engine-line')).toBe('fake on WebAssembly, fp32 · CPU fallback');
    expect(await page.isVisible('#facts')).toBe(false);
    await page.click('#engine summary');
    const facts = await page.textContent('#facts');
    for (const fact of ['WebAssembly', 'fp32', 'threshold on red', 'image 1, network 2, mask 3']) {
      expect(facts).toContain(fact);
    }
    // It is said of adapters, where it is a surprise; wasm runs on the CPU by its nature.
    expect(facts).not.toContain('(software)');
    expect(await page.textContent('#reason')).toBe('A test asked for a session without a network.');
  });

  it('can be used without a mouse', async () => {
    await segmented();
    const reached: (string | null)[] = [];
    await page.focus('#settings summary');
    for (let step = 0; step < 45; step++) {
      reached.push(await page.evaluate(() => document.activeElement?.id || document.activeElement!.className));
      await page.keyboard.press('Tab');
    }
    expect(reached).toEqual(
      expect.arrayContaining(['open', 'hide', 'opacity', 'threshold', 'least', 'sentence', 'run', 'lesion', 'zoom-in']),
    );
  });

  it('builds the sentence from choices, and the choices from a sentence', async () => {
    await choose(file('square.png', redSquare));
    const choices = page.locator('#builder select');
    await choices.nth(0).selectOption('two');
    expect(await page.inputValue('#sentence')).toBe('two polyp');
    await choices.nth(1).selectOption('small');
    await choices.nth(4).selectOption('bottom left');
    expect(await page.inputValue('#sentence')).toBe('two small polyp, located in bottom left of the image');
    await page.fill('#sentence', 'One large white oval polyp, located in top of the image.');
    const chosen = () => choices.evaluateAll(all => all.map(one => (one as HTMLSelectElement).value));
    expect(await chosen()).toEqual(['one', 'large', 'white', 'oval', 'top']);
    await page.fill('#sentence', 'red polyps');
    expect(await chosen()).toEqual(['', '', 'red', '', '']);
    await page.fill('#sentence', 'a polyp');
    expect(await page.getAttribute('#builder', 'class')).toContain('stale');
  });

  it('zooms and pans all panes alike, and fits the image again', async () => {
    await segmented();
    await page.click('#zoom-in');
    expect(await page.textContent('#zoom')).toBe('150 %');
    expect(await page.locator('.pane-a img').evaluate(image => getComputedStyle(image).transform)).toContain('1.5');
    await page.focus('.pane-a');
    await page.keyboard.press('ArrowLeft');
    const moved = await page
      .locator('.pane-a img')
      .evaluate(image => new DOMMatrix(getComputedStyle(image).transform).e);
    expect(moved).toBeGreaterThan(0);
    await page.keyboard.press('0');
    expect(await page.textContent('#zoom')).toBe('100 %');
    expect(await opacityAt(150, 50)).toBe(89);
  });

  it('has one column on a narrow screen, with nothing cut off', async () => {
    await open('/', { width: 420, height: 900 });
    await segmented();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(420);
    expect(await opacityAt(150, 50)).toBe(89);
  });

  it('has the button above the fold of a tablet, and fills a wall display', async () => {
    await open('/', { width: 768, height: 1024 });
    await segmented();
    await page.evaluate(() => scrollTo(0, 0));
    const button = (await page.locator('#run').boundingBox())!;
    expect(button.y + button.height).toBeLessThan(1024);
    await open('/', { width: 3840, height: 2160 });
    await segmented();
    const stage = (await page.locator('.pane-a').boundingBox())!;
    expect(stage.width * stage.height).toBeGreaterThan(0.6 * 3840 * 2160);
    expect(await page.evaluate(() => Number.parseFloat(getComputedStyle(document.body).fontSize))).toBeGreaterThan(22);
  });
});

describe('an image, its sentence and its mask are one record', () => {
  it('never runs a new image with the sentence of the last one', async () => {
    await segmented('red');
    await choose(file('corner.png', redCorner));
    await status('Write a sentence about corner.png, then press Segment.');
    expect(await page.inputValue('#sentence')).toBe('');
    expect(await result().isVisible()).toBe(false);
    expect(await opacityAt(20, 20)).toBe(0);
    expect(await opacityAt(150, 50)).toBe(0);
    await page.click('#run');
    await headline('There is no sentence yet.');
  });

  it('brings sentence and mask back with an image', async () => {
    await segmented('red square');
    await choose(file('corner.png', redCorner));
    await write('red corner');
    await status('1 lesion in');
    expect(await opacityAt(20, 20)).toBe(89);
    await page.locator('#pictures button').nth(0).click();
    await result().locator('.told', { hasText: 'red square' }).waitFor();
    expect(await page.inputValue('#sentence')).toBe('red square');
    expect(await page.textContent('.pane-a figcaption')).toBe('square.png · 200 × 100');
    await expect.poll(() => opacityAt(150, 50)).toBe(89);
    expect(await opacityAt(20, 20)).toBe(0);
  });

  it('greys the mask of a changed sentence, and prints the sentence that made it', async () => {
    await segmented('red');
    expect(await overlayAt(150, 50)).toEqual([86, 180, 233, 89].map(value => expect.closeTo(value, -1)));
    await page.fill('#sentence', 'red and more');
    await result().locator('.stale-note').waitFor();
    expect(await result().locator('.told').textContent()).toBe('“red”');
    expect(await page.textContent('.pane-a .pane-note')).toBe('Mask of an earlier sentence');
    const [red, green, blue] = await overlayAt(150, 50);
    expect(Math.abs(red! - green!) + Math.abs(green! - blue!)).toBeLessThan(25);
    // Spaces say nothing.
    await page.fill('#sentence', ' red ');
    expect(await result().locator('.stale-note').isVisible()).toBe(false);
  });

  it('keeps a sentence that was written before the first image', async () => {
    await page.fill('#sentence', 'red');
    await choose(file('square.png', redSquare));
    expect(await page.inputValue('#sentence')).toBe('red');
  });

  it('brings back a run of the history whole', async () => {
    await segmented('red one');
    await write('red two');
    await result().locator('.told', { hasText: 'red two' }).waitFor();
    await page.click('#history summary');
    expect(await page.locator('.past > span:first-child').allTextContents()).toEqual(['red two', 'red one']);
    await page.locator('.past').nth(1).click();
    await result().locator('.told', { hasText: 'red one' }).waitFor();
    expect(await page.inputValue('#sentence')).toBe('red one');
    expect(await result().locator('.stale-note').isVisible()).toBe(false);
  });

  it('compares two sentences side by side', async () => {
    await choose(file('square.png', redSquare));
    await page.fill('#sentence', 'red');
    await page.check('#compare');
    await page.fill('#sentence-b', 'red too');
    await page.click('#run');
    await status('A: 1 lesion; B: 1 lesion.');
    expect(await result('a').locator('.told').textContent()).toBe('“red”');
    expect(await result('b').locator('.told').textContent()).toBe('“red too”');
    expect([await opacityAt(150, 50, 'a'), await opacityAt(150, 50, 'b')]).toEqual([89, 89]);
    await page.fill('#sentence-b', 'other');
    await result('b').locator('.stale-note').waitFor();
    expect(await result('a').locator('.stale-note').isVisible()).toBe(false);
  });
});

describe('ground truth', () => {
  it('is a mask file beside its image, and gives Dice', async () => {
    await choose(file('square.png', redSquare), file('square_mask.png', truth));
    await write('red');
    await status('1 lesion in');
    // Half of each square lies in the other.
    await expect.poll(() => result().locator('.dice').textContent()).toBe('Dice 0.500 against square_mask.png');
    expect(await opacityAt(150, 80, 'truth')).toBe(89);
    expect(await page.locator('#pictures li').count()).toBe(1);
  });

  it('may come after the image, and says so where its size differs', async () => {
    await segmented();
    const small = await sharp(truth).resize(100, 50).png().toBuffer();
    await choose(file('mask of it mask.png', small));
    await expect.poll(() => result().locator('.dice').textContent()).toContain('has another size (100 × 50).');
    expect(await page.textContent('.pane-a figcaption')).toContain('square.png');
  });
});

describe('threshold and least area', () => {
  it('make the mask anew without the network', async () => {
    await segmented();
    // Pixels are opaque: every fourth byte is 255, which the session takes for the probability of columns 3 and 7 of 8.
    await page.fill('#threshold', '0.9');
    await expect.poll(() => result().locator('.count').textContent()).toBe('2 lesions');
    expect(await page.textContent('#threshold-value')).toBe('0.90');
    expect(await opacityAt(87, 50)).toBeGreaterThan(0);
    expect(await opacityAt(150, 50)).toBe(0);
    await page.click('#engine summary');
    // The record says which threshold made it.
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-export="rle"]')]);
    expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toMatchObject({ threshold: 0.9, min_area: 0.0005 });
  });
});

describe('what is exported', () => {
  const saved = async (kind: string) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`[data-export="${kind}"]`)]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  };

  it('is stamped with the sentence, the hash of the model and its use', async () => {
    await segmented('red');
    const stamp = {
      notice: 'Research use only. Not a medical device.',
      image: 'square.png',
      sentence: 'red',
      model: { name: 'fake', hash: '0'.repeat(64) },
    };
    const json = await saved('json');
    expect(json.name).toBe('square.json');
    const body = JSON.parse(json.bytes.toString());
    expect(body).toMatchObject({ ...stamp, lesions: [{ box: [130, 30, 40, 40], area: 1600, share: 0.08 }] });
    const rle = JSON.parse((await saved('rle')).bytes.toString());
    expect(rle).toMatchObject(stamp);
    expect(rle.segmentation).toEqual(body.segmentation);
    expect(rle.segmentation.size).toEqual([100, 200]);
  });

  it('is a picture with the mask on it and lines under it', async () => {
    await segmented('red');
    const { name, bytes } = await saved('png');
    expect(name).toBe('square.png');
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(200);
    expect(info.height).toBeGreaterThan(140);
    const at = (x: number, y: number) => [...data.subarray(3 * (y * 200 + x), 3 * (y * 200 + x) + 3)];
    // Red under 35 % of the overlay's blue, black beside it.
    expect(at(150, 55)).toEqual([196, 63, 82].map(value => expect.closeTo(value, -1)));
    expect(at(100, 50)).toEqual([0, 0, 0]);
    expect(Math.max(...data.subarray(3 * 200 * 105))).toBeGreaterThan(180);
  });
});

describe('the list of lesions', () => {
  it('has a name and a number for each row, and marks its lesion', async () => {
    await segmented();
    // Just outside of the contour and its halo.
    expect(await opacityAt(150, 29.4)).toBe(0);
    await page
      .getByRole('listitem')
      .getByRole('button', { name: 'Lesion 1: 8.0 % of the view, mean pixel probability 1.00' })
      .focus();
    await expect.poll(() => opacityAt(150, 29.4)).toBeGreaterThan(0);
  });

  it('folds specks into one line', async () => {
    await choose(file('speckled.png', speckled));
    await write('red');
    await status('1 lesion in');
    const specks = result().locator('.specks');
    expect(await specks.locator('summary').textContent()).toBe('and 1 speck under 0.1 % of the view');
    expect(await result().locator('.lesion').isVisible()).toBe(false);
    await specks.locator('summary').click();
    expect(await result().locator('.lesion').isVisible()).toBe(true);
  });
});

describe('the overlay', () => {
  it('is hidden on "h", unless someone is writing or shortcuts are off', async () => {
    await segmented();
    await page.focus('#run');
    await page.keyboard.press('h');
    expect(await opacityAt(150, 50)).toBe(0);
    expect(await page.getAttribute('#hide', 'aria-pressed')).toBe('true');
    expect(await page.textContent('.pane-a .pane-note')).toBe('Overlay hidden');
    await page.locator('#sentence').pressSequentially('h');
    expect(await opacityAt(150, 50)).toBe(0);
    await page.click('#hide');
    expect(await opacityAt(150, 50)).toBe(89);
    await page.click('#settings summary');
    await page.uncheck('#shortcuts');
    await page.keyboard.press('h');
    expect(await opacityAt(150, 50)).toBe(89);
    await page.reload();
    expect(await page.isChecked('#shortcuts')).toBe(false);
  });

  it('that was hidden is shown again with the next image and the next mask', async () => {
    await segmented();
    await page.click('#hide');
    await choose(file('corner.png', redCorner));
    await write('red');
    await status('1 lesion in');
    expect(await page.getAttribute('#hide', 'aria-pressed')).toBe('false');
    await expect.poll(() => opacityAt(20, 20)).toBe(89);
    await page.click('#hide');
    await write('red again');
    await result().locator('.told', { hasText: 'red again' }).waitFor();
    await expect.poll(() => opacityAt(20, 20)).toBe(89);
  });
});

describe('when something goes wrong', () => {
  it('says it plainly, with the code under Details, drops the old mask, and works again after it', async () => {
    await segmented();
    for (const [sentence, code, says] of [
      ['lost', 'DEVICE_LOST', 'The GPU was reset.'],
      ['crash', 'WORKER_DIED', 'The engine stopped unexpectedly.'],
      ['plain', 'INTERNAL', 'Something went wrong.'],
      ['  ', 'TEXT_EMPTY', 'There is no sentence yet.'],
    ] as const) {
      await write(sentence);
      await headline(says);
      expect(await page.locator('#error code').isVisible()).toBe(false);
      await page.click('#error summary');
      expect(await page.locator('#error code').textContent()).toBe(code);
      expect(await opacityAt(150, 50), sentence).toBe(0);
      expect(await result().isVisible()).toBe(false);
      await page.fill('#sentence', 'red');
      await page.locator('#error button').click();
      await status('1 lesion in');
      expect(await page.isVisible('#error')).toBe(false);
      expect(await opacityAt(150, 50), sentence).toBe(89);
    }
  });

  it("keeps the engine after a user's mistake, and opens a new one only for a broken one", async () => {
    await status('Ready.');
    const workers: string[] = [];
    page.on('worker', worker => workers.push(worker.url()));
    await segmented();
    await write(' ');
    await headline('There is no sentence yet.');
    await choose(file('notes.png', Buffer.from('not an image')));
    await write('red');
    await headline('This file cannot be read as an image.');
    expect(await page.textContent('#error')).toContain('Open a JPEG, PNG or WebP file.');
    await segmented('red again');
    expect(workers).toEqual([]);
    await write('crash');
    await headline('The engine stopped unexpectedly.');
    await write('red');
    await status('1 lesion in');
    expect(workers).toHaveLength(1);
  });

  it('says so when the model cannot be loaded', async () => {
    await open('/?model=/models/missing');
    await headline('The model could not be downloaded.');
    expect(await page.textContent('#error')).toContain('got 404; check the address');
  });

  it('lets the newest run win', async () => {
    await segmented();
    await write('never');
    await write('lost');
    await write('red');
    await status('1 lesion in');
    expect(await page.isVisible('#error')).toBe(false);
  });
});

describe('while a frame runs', () => {
  it('shows it on the button, can be cancelled, and keeps the engine', async () => {
    await status('Ready.');
    const workers: string[] = [];
    page.on('worker', worker => workers.push(worker.url()));
    await segmented();
    expect(await page.isVisible('#cancel')).toBe(false);
    await write('never');
    await status('Segmenting square.png…');
    expect(await page.getAttribute('#run', 'aria-busy')).toBe('true');
    await page.click('#cancel');
    await status('Cancelled.');
    expect(await page.getAttribute('#run', 'aria-busy')).toBe('false');
    await write('never');
    await status('Segmenting square.png…');
    await page.keyboard.press('Escape');
    await status('Cancelled.');
    await write('red');
    await status('1 lesion in');
    expect(workers).toEqual([]);
  });

  it('leaves the status to the picture that is shown', async () => {
    await segmented();
    await write('slow');
    await choose(file('corner.png', redCorner));
    await status('Write a sentence about corner.png');
    await page.waitForTimeout(300);
    expect(await page.textContent('#status')).toBe('Write a sentence about corner.png, then press Segment.');
    expect(await page.getAttribute('#run', 'aria-busy')).toBe('false');
  });

  it("tells the user's wait, not the network's time", async () => {
    await choose(file('square.png', redSquare));
    await write('slow');
    await status('1 lesion in');
    // The session waits for 150 ms, and says 6.
    const [, told] = /in (\d+) ms/.exec((await page.textContent('#status'))!)!;
    expect(Number(told)).toBeGreaterThanOrEqual(150);
  });
});

describe('while the model loads', () => {
  it('shows progress, and announces each phase once', async () => {
    await page.context().close();
    ({ page, errors } = await openPage(site, '/?model=/models/slow'));
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(globalThis, { said });
      const status = document.getElementById('status')!;
      new MutationObserver(() => said.push(status.textContent!)).observe(status, { childList: true, subtree: true });
    });
    const values = new Set<number>();
    while ((await page.getAttribute('#state', 'data-state')) !== 'ready') {
      if (await page.isVisible('#progress'))
        values.add(await page.$eval('#progress', bar => (bar as HTMLProgressElement).value));
    }
    expect([...values]).toEqual(expect.arrayContaining([0.5]));
    expect(await page.isVisible('#progress')).toBe(false);
    const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
    expect(new Set(said).size).toBe(said.length);
    expect(said.at(-1)).toBe('Ready. Open an image or choose a sample.');
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
