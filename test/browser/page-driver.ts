// The page with the session of test/fixtures/fake-session.ts, and what tests of it do as a user does.

import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { fakeSession, openPage, openSite, type Site } from './chromium.js';

export let site: Site;
export let page: Page;
let errors: string[];

const square = (colour: string, size: number, left: number, top: number) => ({
  ...{ input: { create: { width: size, height: size, channels: 3 as const, background: colour } }, left, top },
});
const picture = (...squares: ReturnType<typeof square>[]) =>
  sharp({ create: { width: 200, height: 100, channels: 3, background: '#000' } })
    .composite(squares)
    .png()
    .toBuffer();

/** Pictures of 200 x 100, black with a red square: of 40 x 40 at (130, 30), of 20 x 20 at (10, 10), of 3 x 3; and a mask of 40 x 40. */
export const pictures = {
  square: await picture(square('#f00', 40, 130, 30)),
  corner: await picture(square('#f00', 20, 10, 10)),
  speckled: await picture(square('#f00', 3, 50, 50)),
  truth: await picture(square('#fff', 40, 130, 50)),
};

/** To be called once in a test file: each test begins with a fresh page, and ends without an uncaught error. */
export function usePage(): void {
  beforeAll(async () => {
    site = await openSite({ configFile: 'demo/vite.config.ts', plugins: [fakeSession()] });
  });
  afterAll(() => site?.close());
  beforeEach(() => open('/'));
  afterEach(async () => {
    await page.context().close();
    expect(errors).toEqual([]);
  });
}

export async function open(path: string, size?: { width: number; height: number }): Promise<void> {
  await page?.context().close();
  ({ page, errors } = await openPage(site, path, size));
}

export const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer });
export const choose = (...files: ReturnType<typeof file>[]) => page.setInputFiles('#file', files);
export const status = (text: string | RegExp) => page.locator('#status', { hasText: text }).waitFor();
export const headline = (text: string) => page.locator('#error strong', { hasText: text }).waitFor();
export const result = (slot = 'a') => page.locator(`.result[data-slot="${slot}"]`);

/** Colour and opacity of the overlay over a pixel of a picture of 200 x 100. */
export const overlayAt = (x: number, y: number, pane = 'a') =>
  page.evaluate(
    ([x, y, pane]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`.pane-${pane} canvas`)!;
      const scale = Math.min(canvas.width / 200, canvas.height / 100);
      const [left, top] = [(canvas.width - 200 * scale) / 2, (canvas.height - 100 * scale) / 2];
      return [...canvas.getContext('2d')!.getImageData(left + (x + 0.5) * scale, top + (y + 0.5) * scale, 1, 1).data];
    },
    [x, y, pane] as const,
  );
export const opacityAt = async (x: number, y: number, pane?: string) => (await overlayAt(x, y, pane))[3];

export const write = async (sentence: string) => {
  await page.fill('#sentence', sentence);
  await page.press('#sentence', 'Enter');
};
/** Opens the red square and segments it. */
export const segmented = async (sentence = 'red') => {
  await choose(file('square.png', pictures.square));
  await status('Write a sentence about square.png');
  await write(sentence);
  await status('1 lesion in');
};
