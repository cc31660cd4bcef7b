// What belongs together on the page stays together: an image, its sentences, its masks, what is said of them.

import { describe, expect, it } from 'vitest';
import {
  choose,
  file,
  headline,
  opacityAt,
  overlayAt,
  page,
  pictures,
  result,
  segmented,
  status,
  usePage,
  write,
} from './page-driver.js';

usePage();

describe('an image, its sentence and its mask are one record', () => {
  it('never runs a new image with the sentence of the last one', async () => {
    await segmented('red');
    await choose(file('corner.png', pictures.corner));
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
    await choose(file('corner.png', pictures.corner));
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
    await choose(file('square.png', pictures.square));
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

  it('sets the sliders to what made the mask that is shown', async () => {
    await segmented('red one');
    await page.fill('#threshold', '0.9');
    await expect.poll(() => result().locator('.count').textContent()).toBe('2 lesions');
    await choose(file('corner.png', pictures.corner));
    await write('red corner');
    await page.fill('#threshold', '0.3');
    await page.fill('#least', '0');
    expect(await page.textContent('#least-value')).toBe('0.00 %');
    await page.locator('#pictures button').nth(0).click();
    await result().locator('.told', { hasText: 'red one' }).waitFor();
    await expect.poll(() => page.textContent('#threshold-value')).toBe('0.90');
    expect(await page.inputValue('#threshold')).toBe('0.9');
    expect(await page.textContent('#least-value')).toBe('0.05 %');
    // The history keeps a run as it was made.
    await page.click('#history summary');
    await page.locator('.past', { hasText: 'red one' }).click();
    await expect.poll(() => page.textContent('#threshold-value')).toBe('0.50');
    expect(await result().locator('.count').textContent()).toBe('1 lesion');
  });

  it('compares two sentences side by side', async () => {
    await choose(file('square.png', pictures.square));
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

describe('the list of lesions', () => {
  it('has a name and a number for each row, and marks its lesion', async () => {
    await segmented();
    // Across the contour's upper line: how much of it is covered.
    const width = async () => {
      let sum = 0;
      for (let y = 28.8; y < 31; y += 0.1) sum += (await opacityAt(150, y))!;
      return sum;
    };
    const before = await width();
    await page
      .getByRole('listitem')
      .getByRole('button', { name: /^Lesion 1 8\.0 % of the view mean pixel probability 1\.00/ })
      .focus();
    await expect.poll(width).toBeGreaterThan(before + 300);
  });

  it('folds specks into one line', async () => {
    await choose(file('speckled.png', pictures.speckled));
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
    await choose(file('corner.png', pictures.corner));
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
