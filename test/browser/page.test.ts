// The page as a whole, and its view Image as far as nothing goes wrong. It is driven as a user drives it.

import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  choose,
  file,
  opacityAt,
  open,
  page,
  pictures,
  result,
  segmented,
  site,
  status,
  usePage,
  write,
} from './page-driver.js';

usePage();

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
      'Lesion ',
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
    await choose(file('square.png', pictures.square));
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

describe('ground truth', () => {
  it('is a mask file beside its image, and gives Dice', async () => {
    await choose(file('square.png', pictures.square), file('square_mask.png', pictures.truth));
    await write('red');
    await status('1 lesion in');
    // Half of each square lies in the other.
    await expect.poll(() => result().locator('.dice').textContent()).toBe('Dice 0.500 against square_mask.png');
    expect(await opacityAt(150, 80, 'truth')).toBe(89);
    expect(await page.locator('#pictures li').count()).toBe(1);
  });

  it('may come after the image, and says so where its size differs', async () => {
    await segmented();
    const small = await sharp(pictures.truth).resize(100, 50).png().toBuffer();
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
    expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toMatchObject({ threshold: 0.9, minArea: 0.0005 });
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
      text: 'red',
      model: { name: 'fake', hash: '0'.repeat(64) },
    };
    const json = await saved('json');
    expect(json.name).toBe('square.json');
    const body = JSON.parse(json.bytes.toString());
    expect(body).toMatchObject({ ...stamp, lesions: [{ box: [130, 30, 40, 40], area: 1600, share: 0.08 }] });
    const rle = JSON.parse((await saved('rle')).bytes.toString());
    expect(rle).toMatchObject(stamp);
    expect(rle.segmentation).toEqual(body.rle);
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

describe('its server', () => {
  it('serves models and samples, and answers everything else with 404, not with a page', async () => {
    expect(await (await fetch(`${site.origin}/models/nano/config.json`)).json()).toMatchObject({ name: 'nano-128' });
    expect((await fetch(`${site.origin}/samples/samples.json`)).headers.get('content-type')).toBe('application/json');
    for (const path of ['/models/nope', '/samples/', '/models/..%2fpackage.json', '/models/%']) {
      expect((await fetch(site.origin + path)).status, path).toBe(404);
    }
  });
});
