// Frames of a video as a browser has them, on its own WebGPU: whatever way they take to the device, their logits are those of the path
// through the host, and a canvas shows what was drawn.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPOSITED, openPage, openSite, type Site } from './chromium.js';
import type { Kind, Refused } from './pages/live-gpu.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const samples: { file: string; text: string }[] = JSON.parse(readFileSync(`${root}/samples/samples.json`, 'utf8'));
const { file, text } = samples[1]!;
const address = `/samples/${file}`;

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root, assetsInclude: ['**/*.deflate'] }, COMPOSITED);
});
afterAll(() => site?.close());

async function openLive(refused: readonly Refused[] = []): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(site, '/test/browser/pages/live-gpu.html');
  await opened.page.evaluate(([text, refused]) => liveGpu.open(text, refused), [text, refused] as const);
  return opened;
}

async function expectSame(page: Page, kind: Kind, width: number, height: number) {
  const run = await page.evaluate(([kind, address, width, height]) => liveGpu.run(kind, address, width, height), [
    kind,
    address,
    width,
    height,
  ] as const);
  const { ordinary, live, deviation, ways } = run;
  expect(ordinary.some(logit => logit > 0) && ordinary.some(logit => logit < 0)).toBe(true);
  for (const logits of live) {
    const off = logits.filter((logit, i) => logit >= 0 !== ordinary[i]! >= 0).length;
    expect(off / ordinary.length, 'share of pixels on the other side').toBeLessThanOrEqual(0.005);
    const mean = logits.reduce((sum, logit, i) => sum + Math.abs(logit - ordinary[i]!), 0) / logits.length;
    expect(mean, 'mean difference of logits').toBeLessThan(0.1);
  }
  expect(Math.min(...deviation)).toBeGreaterThan(2);
  return ways;
}

describe('a frame on the device', () => {
  it('is read where it lies, or copied where it has alpha or is a bitmap', async () => {
    const { page, errors } = await openLive();
    expect(await expectSame(page, 'opaque', 320, 240)).toEqual({ external: 2, copies: 0 });
    expect(await expectSame(page, 'planes', 320, 240)).toEqual({ external: 2, copies: 0 });
    expect(await expectSame(page, 'alpha', 320, 240)).toEqual({ external: 0, copies: 2 });
    expect(await expectSame(page, 'bitmap', 321, 243)).toEqual({ external: 0, copies: 2 });
    expect(await expectSame(page, 'opaque', 321, 243)).toEqual({ external: 2, copies: 0 });
    expect(await page.evaluate(address => liveGpu.closed('opaque', address), address)).toBe('IMAGE_UNREADABLE');
    expect(await page.evaluate(address => liveGpu.closed('bitmap', address), address)).toBe('IMAGE_UNREADABLE');
    expect(await expectSame(page, 'opaque', 320, 240), 'a closed frame says nothing about the way').toEqual({
      external: 2,
      copies: 0,
    });
    expect(errors).toEqual([]);
  });

  it.each([
    { name: 'there are no external textures', refused: ['no external textures'], ways: [{ external: 0, copies: 2 }] },
    {
      name: 'external textures are refused',
      refused: ['external'],
      ways: [
        { external: 1, copies: 2 },
        { external: 0, copies: 2 },
      ],
    },
    // a copy of the frame is tried once more than it is made
    {
      name: 'frames can be neither imported nor copied',
      refused: ['external', 'copies of frames'],
      ways: [
        { external: 1, copies: 3 },
        { external: 0, copies: 2 },
      ],
    },
  ] as const)('is copied where $name', async ({ refused, ways }) => {
    const { page, errors } = await openLive(refused);
    for (const way of ways) expect(await expectSame(page, 'planes', 320, 240)).toEqual(way);
    expect(errors).toEqual([]);
  });
});

describe('a canvas', () => {
  it('has the size that was asked for and the pixels of the mask, and none when it has been cleared', async () => {
    const { page, errors } = await openLive();
    for (const [width, height] of [
      [400, 300],
      [123, 77],
    ] as const) {
      const { drawn, cleared, mask, size } = await page.evaluate(
        ([address, width, height]) => liveGpu.draw('opaque', address, width, height),
        [address, width, height] as const,
      );
      expect(size).toEqual([width, height]);
      const alpha = drawn.filter((_, i) => i % 4 === 3);
      expect(mask.some(x => x === 1)).toBe(true);
      const off = mask.filter((x, i) => (x === 1) !== alpha[i]! > 0).length;
      expect(off / mask.length).toBeLessThanOrEqual(0.001);
      const lit = alpha.findIndex(value => value > 0);
      const [red, green, blue, opacity] = drawn.slice(4 * lit, 4 * lit + 4);
      for (const [value, wanted] of [
        [red, 51],
        [green, 153],
        [blue, 255],
        [opacity, 128],
      ])
        expect(Math.abs(value! - wanted!)).toBeLessThanOrEqual(2);
      expect(cleared.every(value => value === 0)).toBe(true);
    }
    expect(errors).toEqual([]);
  });
});
