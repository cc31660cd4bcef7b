// Overlays on videos in a real browser: whether they lie over the picture, however that is fitted, turned and shown, and leave the page
// as it was. A mask is painted in opaque green over the red part of a picture, and the screen is looked at.

import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';
import type {} from './pages/live.js';

let site: Site;

beforeAll(async () => {
  site = await openSite({ configFile: false, root: fileURLToPath(new URL('../..', import.meta.url)) });
});
afterAll(() => site?.close());

let page: Page;
let errors: string[];

async function open(ratio = 1): Promise<void> {
  if (ratio === 1)
    ({ page, errors } = await openPage(site, '/test/browser/pages/live.html', { width: 600, height: 500 }));
  else {
    const context = await site.browser.newContext({ viewport: { width: 600, height: 500 }, deviceScaleFactor: ratio });
    page = await context.newPage();
    errors = [];
    await page.goto(`${site.origin}/test/browser/pages/live.html`);
  }
  await page.waitForFunction(() => 'lab' in window && 'live' in window);
}
afterEach(async () => {
  expect(errors).toEqual([]);
  await page?.context().close();
});

/** Shares of the screen: red that no mask covers, and green. */
async function look(): Promise<{ red: number; green: number }> {
  const { data, info } = await sharp(await page.screenshot())
    .raw()
    .toBuffer({ resolveWithObject: true });
  let [red, green] = [0, 0];
  for (let i = 0; i < data.length; i += info.channels) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (r > 150 && g < 100 && b < 100) red++;
    if (g > 150 && r < 100 && b < 100) green++;
  }
  return { red: red / (info.width * info.height), green: green / (info.width * info.height) };
}

/** A camera in a video of that style, with an overlay; resolves when the mask is on it. */
async function attach(style: string, before = ''): Promise<void> {
  await page.evaluate(
    async ([style, before]) => {
      const segmenter = await lab.start();
      const { stream, state } = live.camera([2, 2, 4, 4]);
      const room = document.getElementById('room')!;
      room.innerHTML = before!;
      const video = await live.video(stream, style);
      const canvas = live.overlay();
      const paint = { colour: [0, 255, 0], opacity: 1, outline: 3 } as const;
      const handle = segmenter.attach(video, canvas, { prompt: 'red', maxAgeMs: 600_000, paint });
      await live.until(() => live.seen(canvas));
      Object.assign(globalThis, { now: { segmenter, state, video, canvas, handle, room } });
    },
    [style, before],
  );
}

interface Now {
  readonly video: HTMLVideoElement;
  readonly canvas: HTMLCanvasElement;
  readonly room: HTMLElement;
  readonly state: { cells: readonly number[] | null };
  readonly handle: { detach(): void; readonly state: string; setPrompt(prompt: string): Promise<void> };
}
declare global {
  var now: Now;
}

/** The mask covers what is red, but for its round corners, and nothing much besides. */
async function expectCovered(): Promise<void> {
  const show = (opacity: string) => page.evaluate(opacity => now.canvas.style.setProperty('opacity', opacity), opacity);
  await show('0');
  await expect.poll(async () => (await look()).green).toBe(0);
  const bare = await look();
  expect(bare.red).toBeGreaterThan(0.01);
  await show('1');
  await expect.poll(async () => (await look()).red / bare.red).toBeLessThan(0.05);
  const { green } = await look();
  expect(green / bare.red).toBeGreaterThan(0.9);
  expect(green / bare.red).toBeLessThan(1.25);
}

const BOX = 'width: 400px; height: 240px;';

describe('an overlay lies over the picture', () => {
  it.each([
    ['fill', `${BOX} object-fit: fill`],
    ['contain', `${BOX} object-fit: contain`],
    ['contain, at the left', `${BOX} object-fit: contain; object-position: 10px 100%`],
    ['cover', `${BOX} object-fit: cover; object-position: 0 20%`],
    ['none', `${BOX} object-fit: none; object-position: calc(100% - 30px) 50%`],
    ['scale-down', 'width: 150px; height: 240px; object-fit: scale-down'],
    ['in padding and border', `${BOX} padding: 20px 5px 10px 30px; border: 7px solid #888; box-sizing: border-box`],
    ['turned by a quarter', `${BOX} transform: translate(-30px, 60px) rotate(90deg)`],
    [
      'turned about a corner of its border',
      `${BOX} border: 10px solid #888; rotate: 10deg; transform-origin: 0 0; margin: 40px`,
    ],
    ['mirrored', `${BOX} transform: scaleX(-1)`],
    ['out of the flow', `${BOX} position: absolute; left: 55px; top: 33px; z-index: 4`],
    ['fixed in the window', `${BOX} position: fixed; right: 10px; bottom: 10px`],
  ])('%s', async (_name, style) => {
    await open();
    await attach(style);
    await expectCovered();
  });

  it('on a screen of two pixels to one, sharply', async () => {
    await open(2);
    await attach(`${BOX} object-fit: contain`);
    const [width, height] = await page.evaluate(() => [now.canvas.width, now.canvas.height]);
    expect([width, height]).toEqual(await page.evaluate(() => [now.video.videoWidth, now.video.videoHeight]));
    await expectCovered();
  });

  it('after the page has moved it, resized it and turned the screen', async () => {
    await open();
    await attach(`${BOX} object-fit: contain`);
    await page.evaluate(() => {
      now.room.insertAdjacentHTML('afterbegin', '<p style="height: 50px">A paragraph above it</p>');
      now.video.style.width = '200px';
    });
    await page.setViewportSize({ width: 500, height: 600 });
    await expectCovered();
  });

  it('in full screen, where the video alone is shown', async () => {
    await open();
    await attach(BOX);
    // The top layer is where a browser puts what is in full screen, and a popover too: without a screen none is ever granted.
    const style = await page.evaluate(() => {
      const { video } = now;
      const before = video.style.cssText;
      video.popover = 'manual';
      video.style.cssText = 'position: fixed; inset: 0; width: 100vw; height: 100vh; margin: 0; padding: 0; border: 0';
      video.showPopover();
      Object.defineProperty(document, 'fullscreenElement', { value: video, configurable: true });
      document.dispatchEvent(new Event('fullscreenchange'));
      return before;
    });
    expect(await page.evaluate(() => now.canvas.matches(':popover-open'))).toBe(true);
    await expectCovered();
    await page.evaluate(before => {
      const { video } = now;
      video.hidePopover();
      video.popover = null;
      video.style.cssText = before;
      Reflect.deleteProperty(document, 'fullscreenElement');
      document.dispatchEvent(new Event('fullscreenchange'));
    }, style);
    expect(await page.evaluate(() => now.canvas.popover)).toBe(null);
    await expectCovered();
  });

  it('and leaves clicks to the video', async () => {
    await open();
    await attach(BOX);
    const hit = await page.evaluate(() => {
      const { left, top } = now.video.getBoundingClientRect();
      return document.elementFromPoint(left + 200, top + 120)?.tagName;
    });
    expect(hit).toBe('VIDEO');
  });
});

describe('detach', () => {
  it('leaves canvas and video as they were', async () => {
    await open();
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const { stream } = live.camera([2, 2, 4, 4]);
      const video = await live.video(stream, 'width: 300px');
      const canvas = live.overlay();
      canvas.style.cssText = 'opacity: 0.5; left: 3px';
      const before = [canvas.style.cssText, video.style.cssText, video.outerHTML];
      const handle = segmenter.attach(video, canvas, { prompt: 'red', maxAgeMs: 600_000 });
      await live.until(() => live.seen(canvas));
      const during = canvas.style.cssText;
      handle.detach();
      handle.detach();
      const after = [canvas.style.cssText, video.style.cssText, video.outerHTML];
      return { before, during, after, seen: live.seen(canvas), state: handle.state, playing: !video.paused };
    });
    expect(result.after).toEqual(result.before);
    expect(result.during).not.toBe(result.before[0]);
    expect(result).toMatchObject({ seen: null, state: 'off', playing: true });
  });

  it('at every phase, fifty times, on one canvas: nothing is left behind', async () => {
    await open();
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const { stream, state } = live.camera([2, 2, 4, 4]);
      const video = await live.video(stream, 'width: 300px');
      const canvas = live.overlay();
      const sums: number[] = [];
      for (let round = 0; round < 50; round++) {
        const handle = segmenter.attach(video, canvas, { prompt: 'red', maxAgeMs: 600_000 });
        // at once, while the sentence is encoded, while a frame runs, while a mask is shown
        if (round % 4 === 1) await Promise.resolve();
        if (round % 4 === 2) await new Promise(requestAnimationFrame);
        if (round % 4 === 3) await live.until(() => live.seen(canvas));
        handle.detach();
        const { shown, dropped, delivered } = handle.stats;
        sums.push(shown + dropped - delivered);
        if (live.seen(canvas)) throw new Error(`round ${round} left a mask`);
      }
      const handle = segmenter.attach(video, canvas, { prompt: 'red', maxAgeMs: 600_000 });
      state.cells = [1, 4, 2, 2];
      const seen = await live.until(
        () => live.seen(canvas),
        found => live.same(found, [1, 4, 2, 2]),
      );
      const { reports } = await segmenter.stats();
      handle.detach();
      await live.until(() => handle.state === 'off');
      await segmenter.dispose();
      return { sums, seen, reports };
    });
    expect(new Set(result.sums)).toEqual(new Set([0]));
    expect(result).toMatchObject({ seen: [1, 4, 2, 2], reports: 1 });
  });

  it('refuses what is no video and a canvas of another kind, with the canvas as it was', async () => {
    await open();
    const messages = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const video = document.createElement('video');
      const said = (act: () => unknown) => {
        try {
          act();
          return 'nothing';
        } catch (error) {
          return (error as Error).message;
        }
      };
      const webgl = document.createElement('canvas');
      webgl.getContext('webgl2');
      const moved = document.createElement('canvas');
      moved.transferControlToOffscreen();
      const fine = document.createElement('canvas');
      return [
        said(() => segmenter.attach(fine as never, fine, { prompt: 'red' })),
        said(() => segmenter.attach(video, video as never, { prompt: 'red' })),
        said(() => segmenter.attach(video, webgl, { prompt: 'red' })),
        said(() => segmenter.attach(video, moved, { prompt: 'red' })),
        said(() => segmenter.attach(video, fine, { prompt: '' })),
        said(() => segmenter.attach(video, fine, { prompt: null })),
        fine.style.cssText,
      ];
    });
    const canvas =
      "attach: the overlay's canvas must be new or 2D, got one with another context, or one that was transferred; make another";
    expect(messages).toEqual([
      'attach: the video must be a <video>, got HTMLCanvasElement; pass the element itself',
      'attach: the canvas must be a <canvas>, got HTMLVideoElement; pass the element itself',
      canvas,
      canvas,
      'encodeReport: the text must have at least one word, got none; describe the finding',
      'attach: the model fake must be told what to look for, got no sentence; describe the finding in one',
      '',
    ]);
  });
});
