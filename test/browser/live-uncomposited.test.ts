// A stream on WebGPU in a browser that puts its pages together on the CPU, where each device is lost when it first draws into a canvas:
// after the second one the host draws, and the stream goes on.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';
import type {} from './pages/live.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [sample]: { file: string; text: string }[] = JSON.parse(readFileSync(`${root}/samples/samples.json`, 'utf8'));

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root });
});
afterAll(() => site?.close());

it('a stream whose devices are lost at the canvas is drawn by the host', async () => {
  const { page } = await openPage(site, '/test/browser/pages/live.html');
  await page.waitForFunction(() => 'lab' in window && 'live' in window);
  const result = await page.evaluate(
    async ({ address, text }) => {
      const segmenter = await lab.start('default', { model: '/models/nano', device: 'webgpu', tune: false });
      const feed = live.frames();
      const canvas = live.overlay();
      const stream = segmenter.segmentStream(feed.source, text, {
        overlay: canvas,
        maxAgeMs: 600_000,
        paint: { opacity: 1, outline: 0 },
      });
      const bitmap = await createImageBitmap(await (await fetch(address)).blob());
      let timestamp = 0;
      // As a camera would: one frame after another, whatever became of the last.
      const timer = setInterval(() => feed.give(new VideoFrame(bitmap, { timestamp: timestamp++ })), 250);
      const { value } = await stream.next();
      clearInterval(timer);
      const { mask, width, height, lesions } = value!;
      const copy = new OffscreenCanvas(width, height).getContext('2d')!;
      copy.drawImage(canvas, 0, 0, width, height);
      const { data } = copy.getImageData(0, 0, width, height);
      const wrong = mask.filter((one, at) => (one === 1) !== data[at * 4 + 3]! > 127).length / mask.length;
      const { failed } = stream.stats;
      const { state } = stream;
      stream.stop();
      const { recoveries } = await segmenter.stats();
      await segmenter.dispose();
      return { lesions: lesions.length, wrong, failed, state, recoveries };
    },
    { address: `/samples/${sample!.file}`, text: sample!.text },
  );
  expect(result).toMatchObject({ state: 'on' });
  expect(result.lesions).toBeGreaterThan(0);
  expect(result.wrong).toBeLessThanOrEqual(0.002);
});
