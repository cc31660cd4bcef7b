// What befalls streams in a real browser: lost devices, dead workers, stalled engines, pages that are left. The worker has no network.

import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';
import type {} from './pages/live.js';

let site: Site;
let page: Page;
let errors: string[];

beforeAll(async () => {
  site = await openSite({ configFile: false, root: fileURLToPath(new URL('../..', import.meta.url)) });
  ({ page, errors } = await openPage(site, '/test/browser/pages/live.html'));
  await page.waitForFunction(() => 'lab' in window && 'live' in window);
});
afterAll(() => site?.close());

afterEach(async () => {
  await page.evaluate(() => live.clear());
  expect(errors.splice(0)).toEqual([]);
});

describe('faults', () => {
  it('device lost before, during and after a frame, twice: replaced, and the mask is right', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start('fake', { model: '/models/fragile' });
      const feed = live.frames();
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(feed.source, 'red', { overlay: canvas, maxAgeMs: 60_000 });
      const run = async (timestamp: number, cells: [number, number, number, number]) => {
        feed.push(timestamp, cells);
        const { value } = await stream.next();
        return [value!.prompt, value!.lesions.length, live.seen(canvas)];
      };
      const seen = [await run(0, [1, 1, 2, 2])];
      await stream.setPrompt('lost 2'); // lost with this sentence in two generations of the session
      seen.push(await run(1, [3, 2, 2, 2]));
      await stream.setPrompt('red');
      seen.push(await run(2, [5, 5, 2, 2]));
      const { recoveries } = stream.stats;
      await segmenter.dispose();
      return { seen, recoveries, open: feed.open() };
    });
    expect(result).toEqual({
      seen: [
        ['red', 1, [1, 1, 2, 2]],
        ['lost 2', 1, [3, 2, 2, 2]],
        ['red', 1, [5, 5, 2, 2]],
      ],
      ...{ recoveries: 2, open: 0 },
    });
  });

  it.each(['terminate', 'close', 'crash'] as const)(
    'the worker killed in mid-frame by %s: another takes over, with the same sentence',
    async how => {
      const result = await page.evaluate(async how => {
        const segmenter = await lab.start();
        const { stream: media, state, track } = live.camera([1, 2, 2, 3]);
        const video = await live.video(media);
        const canvas = live.overlay();
        const log = live.log();
        const mine = await segmenter.encodeReport('red');
        const stream = segmenter.segmentStream(video, mine, { overlay: canvas, maxAgeMs: 5000, onState: log.onState });
        await live.until(() => live.seen(canvas));
        const killer = await segmenter.encodeReport(how);
        const killed =
          how === 'terminate' ? lab.worker!.terminate() : lab.failure(segmenter.segment(lab.canvas(), killer));
        await killed;
        await live.until(() => stream.stats.restarts === 1);
        state.cells = [4, 4, 3, 2];
        const after = await live.until(
          () => live.seen(canvas),
          seen => live.same(seen, [4, 4, 3, 2]),
        );
        // The Segmenter itself goes on too, with what was encoded before.
        const still = (await segmenter.segment(lab.canvas(), mine)).lesions.length;
        stream.stop();
        state.running = false;
        track.stop();
        const { shown, dropped, delivered, restarts } = stream.stats;
        await segmenter.dispose();
        return {
          after,
          still,
          restarts,
          sum: shown + dropped - delivered,
          told: log.events.some(({ error }) => error?.code === 'WORKER_DIED'),
        };
      }, how);
      expect(result).toMatchObject({ after: [4, 4, 3, 2], still: 1, sum: 0, told: true });
      expect(result.restarts).toBeGreaterThanOrEqual(1);
    },
  );

  it('the worker looping: nothing old is on the overlay, and another takes over', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start('fake', { watchdog: { unresponsiveMs: 3000 } });
      const { stream: media, state, track } = live.camera([1, 2, 2, 3]);
      const video = await live.video(media);
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(video, 'red', { overlay: canvas, maxAgeMs: 500 });
      await live.until(() => live.seen(canvas));
      const looping = lab.failure(segmenter.segment(lab.canvas(), await segmenter.encodeReport('loop')));
      await live.until(() => stream.state === 'late');
      const seen = live.seen(canvas);
      await live.until(() => stream.stats.restarts > 0);
      const after = await live.until(() => live.seen(canvas));
      stream.stop();
      state.running = false;
      track.stop();
      await segmenter.dispose();
      return { seen, after, code: (await looping)?.code };
    });
    expect(result).toEqual({ seen: null, after: [1, 2, 2, 3], code: 'WORKER_DIED' });
  });

  it('out of memory, frame after frame: off with the reason, and an empty overlay', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const feed = live.frames();
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(feed.source, 'red', { overlay: canvas, maxAgeMs: 60_000 });
      feed.push(0, [1, 1, 2, 2]);
      await stream.next();
      await stream.setPrompt('oom');
      const next = lab.failure(stream.next());
      for (let i = 1; stream.state !== 'off'; i++) {
        feed.push(i, [1, 1, 2, 2]);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
      await segmenter.dispose();
      return { code: (await next)?.code, reason: stream.reason, seen: live.seen(canvas) };
    });
    expect(result).toMatchObject({ code: 'GPU_OUT_OF_MEMORY', seen: null });
    expect(result.reason).toContain('the device must have memory');
  });

  it('the engine stalled: no mask is older on the overlay than maxAgeMs and one display frame', async () => {
    const result = await page.evaluate(async () => {
      const maxAgeMs = 300;
      const segmenter = await lab.start();
      const canvas = live.overlay();
      const feed = live.frames();
      let timestamp = 0;
      const pushing = setInterval(() => feed.push(timestamp++, [1, 2, 2, 3]), 30);
      let came = 0;
      const stream = segmenter.segmentStream(feed.source, 'red', { overlay: canvas, maxAgeMs });
      void (async () => {
        for await (const { age } of stream) came = performance.now() - age;
      })();
      await live.until(() => live.seen(canvas));
      // What runs before the frames keeps the engine.
      const release = new AbortController();
      const never = await segmenter.encodeReport('never');
      const stalled = lab.failure(segmenter.segment(lab.canvas(), never, { signal: release.signal }));
      let oldest = 0;
      const began = performance.now();
      while (performance.now() - began < 2000) {
        const before = performance.now();
        await new Promise(requestAnimationFrame);
        await new Promise(resolve => setTimeout(resolve));
        if (live.seen(canvas)) oldest = Math.max(oldest, before - came);
      }
      const end = [live.seen(canvas), stream.state];
      release.abort();
      await stalled;
      const after = await live.until(() => live.seen(canvas));
      clearInterval(pushing);
      stream.stop();
      await segmenter.dispose();
      return { oldest, end, after };
    });
    expect(result.oldest).toBeLessThanOrEqual(300);
    expect([result.end, result.after]).toEqual([
      [null, 'late'],
      [1, 2, 2, 3],
    ]);
  });

  it('hidden tab and back, and a page from the back-forward cache: empty when it is left, right when it is back', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const { stream: media, state, track } = live.camera([1, 2, 2, 3]);
      const video = await live.video(media);
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(video, 'red', { overlay: canvas, maxAgeMs: 60_000 });
      await live.until(() => live.seen(canvas));
      video.pause(); // so that no frame comes by itself
      await live.until(() => stream.stats.delivered > 0 && live.seen(canvas));
      const steps: unknown[] = [];
      const hide = (hidden: boolean) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      };
      hide(true);
      steps.push([live.seen(canvas), stream.state]);
      hide(false);
      await live.until(() => live.seen(canvas));
      dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
      steps.push([live.seen(canvas), stream.state]);
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
      steps.push(await live.until(() => live.seen(canvas)));
      Reflect.deleteProperty(document, 'hidden');
      stream.stop();
      state.running = false;
      track.stop();
      await segmenter.dispose();
      return steps;
    });
    expect(result).toEqual([
      [null, 'starting'],
      [null, 'starting'],
      [1, 2, 2, 3],
    ]);
  });
});
