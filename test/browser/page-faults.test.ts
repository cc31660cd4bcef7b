// The page where something goes wrong, takes long or is called off. The sentences say to the session what it is to do.

import { describe, expect, it } from 'vitest';
import {
  choose,
  file,
  headline,
  opacityAt,
  open,
  page,
  pictures,
  result,
  segmented,
  status,
  usePage,
  write,
} from './page-driver.js';

usePage();

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
    await choose(file('corner.png', pictures.corner));
    await status('Write a sentence about corner.png');
    await page.waitForTimeout(300);
    expect(await page.textContent('#status')).toBe('Write a sentence about corner.png, then press Segment.');
    expect(await page.getAttribute('#run', 'aria-busy')).toBe('false');
  });

  it("tells the user's wait, not the network's time", async () => {
    await choose(file('square.png', pictures.square));
    await write('slow');
    await status('1 lesion in');
    // The session waits for 150 ms, and says 6.
    const [, told] = /in (\d+) ms/.exec((await page.textContent('#status'))!)!;
    expect(Number(told)).toBeGreaterThanOrEqual(150);
  });
});

describe('while the model loads', () => {
  it('shows progress, and announces each phase once', async () => {
    await open('/?model=/models/slow');
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
