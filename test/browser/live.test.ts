// Streams in a real browser: frames of canvases, tracks and video elements through a worker without a network.

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

describe('a stream of VideoFrames', () => {
  it('has the right mask of each frame that is run, and every frame is accounted for and closed', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const feed = live.frames();
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(feed.source, 'red', { overlay: canvas, maxAgeMs: 60_000 });
      const results = [];
      feed.push(0, [2, 2, 2, 2]);
      for await (const { timestamp, dropped, lesions, mask, width, prompt, age } of stream) {
        const sum = mask.reduce((a, b) => a + b);
        const seen = live.seen(canvas);
        results.push({
          timestamp,
          dropped,
          box: lesions[0]!.box,
          id: lesions[0]!.id,
          sum,
          width,
          prompt,
          seen,
          aged: age >= 0,
        });
        const n = results.length;
        if (n === 5) feed.close();
        if (n >= 5) continue;
        for (let i = 0; i < 3; i++) feed.push(n * 100 + i, [2, 2, 2 + (i === 2 ? n : 0), 2]);
      }
      await segmenter.dispose();
      return { results, stats: stream.stats, open: feed.open(), pushed: feed.made.length, reason: stream.reason };
    });
    expect(result.results.map(({ prompt, width, id, aged }) => [prompt, width, id, aged])).toEqual(
      result.results.map(() => ['red', 160, 1, true]),
    );
    for (const { seen, box, sum } of result.results) {
      expect(seen).toEqual([2, 2, Math.round(box[2] / 20), 2]);
      expect(sum).toBeGreaterThan(box[2] * box[3] * 0.85);
    }
    expect(result.results.at(-1)).toMatchObject({ timestamp: 402, seen: [2, 2, 6, 2] });
    expect(result.results.reduce((sum, { dropped }) => sum + dropped + 1, 0)).toBe(result.pushed);
    expect(result.stats).toMatchObject({ delivered: result.pushed, failed: 0 });
    expect(result.stats.shown + result.stats.dropped).toBe(result.pushed);
    expect([result.open, result.reason]).toEqual([0, 'the stream of frames has ended']);
  });
});

describe('sources', () => {
  it('a track of a camera, until it ends: the mask is that of the newest frame', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const { track, state } = live.camera([1, 2, 2, 3]);
      const canvas = live.overlay();
      const log = live.log();
      const stream = segmenter.segmentStream(track, 'red', { overlay: canvas, maxAgeMs: 5000, onState: log.onState });
      const first = await live.until(() => live.seen(canvas));
      state.cells = [5, 2, 2, 3];
      const second = await live.until(
        () => live.seen(canvas),
        seen => live.same(seen, [5, 2, 2, 3]),
      );
      track.stop(); // by hand, which fires no event, but ends the frames
      await live.until(() => stream.state === 'off');
      state.running = false;
      const { shown, dropped, delivered } = stream.stats;
      await segmenter.dispose();
      return {
        first,
        second,
        last: live.seen(canvas),
        states: log.states(),
        reason: stream.reason,
        sum: shown + dropped - delivered,
      };
    });
    expect(result).toMatchObject({ first: [1, 2, 2, 3], second: [5, 2, 2, 3], last: null, sum: 0 });
    expect(result.states[0]).toBe('starting');
    expect(result.states).toContain('on');
    expect([result.states.at(-1), result.reason]).toEqual(['off', "the camera's track has ended"]);
  });

  it('a track where there is no MediaStreamTrackProcessor and no VideoFrame, as in Firefox', async () => {
    const seen = await page.evaluate(async () => {
      const kept = Object.entries({ MediaStreamTrackProcessor: 0, VideoFrame: 0 }).map(
        ([name]) => [name, (globalThis as Record<string, unknown>)[name]] as const,
      );
      for (const [name] of kept) (globalThis as Record<string, unknown>)[name] = undefined;
      try {
        const segmenter = await lab.start();
        const { track, state } = live.camera([1, 2, 2, 3]);
        const canvas = live.overlay();
        const stream = segmenter.segmentStream(track, 'red', { overlay: canvas, maxAgeMs: 5000 });
        const { value } = await stream.next();
        const shown = await live.until(() => live.seen(canvas));
        stream.stop();
        state.running = false;
        track.stop();
        await segmenter.dispose();
        return { shown, timed: value!.timestamp >= 0, area: value!.lesions[0]!.area };
      } finally {
        for (const [name, value] of kept) (globalThis as Record<string, unknown>)[name] = value;
      }
    });
    expect(seen).toMatchObject({ shown: [1, 2, 2, 3], timed: true });
  });

  it('a video file, paused, seeked, looped and at twice the rate: the mask is that of the picture', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const video = document.createElement('video');
      Object.assign(video, { muted: true, src: await live.file() });
      document.getElementById('room')!.append(video);
      await live.until(() => video.readyState >= 2);
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(video, 'red', { overlay: canvas, maxAgeMs: 60_000 });
      const at = (x: number) =>
        live.until(
          () => live.seen(canvas),
          seen => seen?.[0] === x,
        );
      // paused on its first picture
      const seen = [await at(0)];
      const seek = async (time: number, x: number) => {
        video.currentTime = time;
        await new Promise(resolve => video.addEventListener('seeked', resolve, { once: true }));
        seen.push(await at(x));
      };
      await seek(1.7, 5);
      await seek(0.2, 0);
      // each result is that of its own timestamp, whatever the rate and however often it begins again
      Object.assign(video, { loop: true, playbackRate: 2 });
      await video.play();
      const wrong: unknown[] = [];
      let [loops, last] = [0, 0];
      for await (const { timestamp, lesions } of stream) {
        const time = timestamp / 1e6;
        const x = Math.round((lesions[0]!.box[0] * 8) / 160);
        if ((time < 0.8 && x !== 0) || (time > 1.4 && x !== 5)) wrong.push([time, x]);
        if (time < last) loops++;
        last = time;
        if (loops === 2) break;
      }
      const { shown, dropped, delivered } = stream.stats;
      await segmenter.dispose();
      return { seen, wrong, sum: shown + dropped - delivered, state: stream.state };
    });
    expect(result).toEqual({
      seen: [
        [0, 2, 3, 4],
        [5, 2, 3, 4],
        [0, 2, 3, 4],
      ],
      wrong: [],
      sum: 0,
      state: 'off',
    });
  });

  it('resolution and aspect changed in mid-stream: the mask has the new size, and its numbers begin anew', async () => {
    const results = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const feed = live.frames();
      const stream = segmenter.segmentStream(feed.source, 'red', { smoothing: { share: 0.5, appear: 1, vanish: 1 } });
      const seen = [];
      const sizes = [
        [160, 120],
        [160, 120],
        [64, 200],
        [64, 200],
      ] as const;
      for (const [i, [width, height]] of sizes.entries()) {
        feed.push(i, [2, 2, 3, 3], width, height);
        const { value } = await stream.next();
        seen.push([value!.width, value!.height, value!.mask.length, value!.fresh, value!.lesions[0]!.id]);
      }
      stream.stop();
      await segmenter.dispose();
      return seen;
    });
    expect(results).toEqual([
      [160, 120, 19_200, true, 1],
      [160, 120, 19_200, false, 1],
      [64, 200, 12_800, true, 2],
      [64, 200, 12_800, false, 2],
    ]);
  });

  it('a flat picture has no lesion and says so, and a cut begins anew', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const feed = live.frames();
      const log = live.log();
      const options = { smoothing: { share: 0.1, appear: 1, vanish: 3 }, onState: log.onState };
      const stream = segmenter.segmentStream(feed.source, 'red', options);
      const run = async (...given: Parameters<typeof live.frame>) => {
        feed.push(...given);
        const { value } = await stream.next();
        return { lesions: value!.lesions.length, codes: value!.warnings.map(({ code }) => code), fresh: value!.fresh };
      };
      const steps = [
        await run(0, [2, 2, 3, 3]),
        await run(1, null, 160, 120, '#f00'), // red all over: flat
        await run(2, [2, 2, 3, 3]),
        await run(3, [0, 1, 8, 7]), // another scene: without a new beginning its tenth would count
      ];
      stream.stop();
      await segmenter.dispose();
      return { steps, reasons: log.events.map(({ reason }) => reason) };
    });
    expect(result.steps).toEqual([
      { lesions: 1, codes: [], fresh: true },
      { lesions: 0, codes: ['IMAGE_FLAT'], fresh: true },
      { lesions: 1, codes: [], fresh: true },
      { lesions: 1, codes: [], fresh: true },
    ]);
    expect(result.reasons.some(reason => reason.startsWith('the picture has one colour all over'))).toBe(true);
  });
});
