// Streams of the shipped model in a real browser: its frames stay on WebGPU, or go through the host to wasm, and their masks are those of
// `segment` on the same frames; the overlay is what the mask says.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMPOSITED, openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';
import type {} from './pages/live.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const samples: { file: string; text: string }[] = JSON.parse(readFileSync(`${root}/samples/samples.json`, 'utf8'));

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root }, COMPOSITED);
});
afterAll(() => site?.close());

it.each([
  { device: 'webgpu', differ: 0.005 },
  { device: 'wasm', differ: 0 },
] as const)('masks and overlays of a stream on $device are those of stills', async ({ device, differ }) => {
  const { page, errors } = await openPage(site, '/test/browser/pages/live.html');
  await page.waitForFunction(() => 'lab' in window && 'live' in window);
  const shots = samples.slice(0, 2).map(({ file, text }) => ({ address: `/samples/${file}`, text }));
  const result = await page.evaluate(
    async ([shots, device]) => {
      const segmenter = await lab.start('default', { model: '/models/nano', device, tune: false });
      const feed = live.frames();
      const canvas = live.overlay();
      const paint = { opacity: 1, outline: 0 };
      const stream = segmenter.segmentStream(feed.source, shots[0]!.text, {
        overlay: canvas,
        maxAgeMs: 600_000,
        paint,
      });
      const found = [];
      for (const [timestamp, { address, text }] of shots.entries()) {
        const bitmap = await createImageBitmap(await (await fetch(address)).blob());
        const frame = new VideoFrame(bitmap, { timestamp, alpha: 'discard' });
        await stream.setPrompt(text);
        const still = await segmenter.segment(frame.clone(), await segmenter.encodeReport(text));
        feed.give(frame);
        const { value } = await stream.next();
        const { mask, width, height, lesions, prompt } = value!;
        const copy = new OffscreenCanvas(width, height).getContext('2d')!;
        copy.drawImage(canvas, 0, 0, width, height);
        const { data } = copy.getImageData(0, 0, width, height);
        const share = (differs: (at: number) => boolean) => mask.filter((_, at) => differs(at)).length / mask.length;
        found.push({
          ...{ prompt, lesions: lesions.length, size: [width, height], stillSize: [still.width, still.height] },
          area: share(at => mask[at] === 1),
          masks: share(at => mask[at] !== still.mask[at]),
          drawn: share(at => (mask[at] === 1) !== data[at * 4 + 3]! > 127),
        });
      }
      const { stats, state, reason } = stream;
      stream.stop();
      const { info } = segmenter;
      await segmenter.dispose();
      return { found, stats, state, reason, device: info.device };
    },
    [shots, device] as const,
  );
  expect(result).toMatchObject({ device, state: 'on', stats: { delivered: 2, shown: 2, failed: 0 } });
  expect(result.found.map(({ prompt }) => prompt)).toEqual(shots.map(({ text }) => text));
  for (const { lesions, size, stillSize, area, masks, drawn } of result.found) {
    expect(size).toEqual(stillSize);
    expect([lesions > 0, area > 0.001]).toEqual([true, true]);
    expect(masks).toBeLessThanOrEqual(differ);
    expect(drawn).toBeLessThanOrEqual(0.002);
  }
  expect(errors).toEqual([]);
});
