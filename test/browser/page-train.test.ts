// The view Train: the shipped model, trained for two steps on drawn pictures in Chromium on SwiftShader.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { openPage, openSite } from './chromium.js';

const drawn = (x: number, ground: string, colour: string) =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64"><rect width="96" height="64" fill="${ground}"/>` +
        `<circle cx="${x}" cy="32" r="14" fill="${colour}"/></svg>`,
    ),
  )
    .png()
    .toBuffer();

const file = (name: string, buffer: Buffer, mimeType = 'image/png') => ({ name, mimeType, buffer });

it('trains on dropped pictures, compares before and after, and gives the model as a folder', async () => {
  const site = await openSite({ configFile: 'demo/vite.config.ts' });
  try {
    const { page, errors } = await openPage(site, '/#train');
    const names = ['a', 'b', 'c', 'd', 'e'];
    const files = await Promise.all(
      names.flatMap(async (name, at) => [
        file(`${name}.png`, await drawn(20 + 14 * at, '#a0433c', '#e8b0a0')),
        file(`${name}_mask.png`, await drawn(20 + 14 * at, '#000', '#fff')),
      ]),
    );
    // One sentence comes from the list, the others from the field for all.
    const list = { name: 'drawn', records: [{ image: 'images/a.png', text: 'one small polyp' }] };
    const given = [...files.flat(), file('dataset.json', Buffer.from(JSON.stringify(list)), 'application/json')];
    await page.setInputFiles('#train-files', [...given, file('alone.png', await drawn(30, '#a0433c', '#e8b0a0'))]);
    await page.locator('#train-status', { hasText: '4 images still without a sentence.' }).waitFor();
    expect(await page.textContent('#train-notes')).toContain('alone.png has no mask');
    expect(await page.isDisabled('#train-start')).toBe(true);
    await page.fill('#fill-text', 'one round polyp');
    await page.click('#fill');
    await page.locator('#train-status', { hasText: '5 images ready.' }).waitFor();
    expect(
      await page.locator('.example textarea').evaluateAll(all => all.map(one => (one as HTMLTextAreaElement).value)),
    ).toEqual(['one small polyp', ...Array(4).fill('one round polyp')]);
    await page.fill('#steps', '2');
    await page.fill('#batch', '2');
    await page.click('#train-start');
    await page.locator('#train-status', { hasText: /Trained for 2 steps|ended early/ }).waitFor();
    expect(await page.textContent('#train-error')).toBe('');
    const points = await page.getAttribute('#curve .each', 'points');
    expect(points!.split(' ')).toHaveLength(2);
    expect(await page.locator('#scores th').allTextContents()).toEqual(['Held back (1)', 'Trained on (4)']);
    for (const score of await page.locator('#scores td').allTextContents()) expect(score).toMatch(/^[01]\.\d{3}$/);
    expect(await page.locator('#compared-which option:checked').textContent()).toBe('e.png (held back)');

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#train-save')]);
    const folder = unzipSync(new Uint8Array(readFileSync(await download.path())));
    const text = (name: string) => Buffer.from(folder[`model/${name}`]!).toString();
    expect(JSON.parse(text('config.json'))).toMatchObject({ name: 'nano-128-tuned', dtype: 'fp32', image_size: 128 });
    expect(text('README.md')).toContain('Research use only; not a medical device.');
    const { files: listed } = JSON.parse(text('manifest.json')) as { files: Record<string, { sha256: string }> };
    for (const name of ['config.json', 'model.safetensors', 'vocab.txt'])
      expect(createHash('sha256').update(folder[`model/${name}`]!).digest('hex')).toBe(listed[name]!.sha256);
    const trained = await openSafetensors(memorySource(folder['model/model.safetensors']!, 'trained'));
    const shipped = await openSafetensors(
      memorySource(new Uint8Array(readFileSync('models/nano/model.safetensors')), 'nano'),
    );
    expect([...trained.header.tensors.keys()].sort()).toEqual([...shipped.header.tensors.keys()].sort());
    expect(errors).toEqual([]);
  } finally {
    await site.close();
  }
});

it('explains what went wrong with its code, and can be tried again', async () => {
  const site = await openSite({ configFile: 'demo/vite.config.ts' });
  try {
    const { page } = await openPage(site, '/?model=models/none#train');
    const [picture, mask] = [await drawn(30, '#a0433c', '#e8b0a0'), await drawn(30, '#000', '#fff')];
    const files = ['a', 'b'].flatMap(name => [file(`${name}.png`, picture), file(`${name}_mask.png`, mask)]);
    await page.setInputFiles('#train-files', files);
    await page.fill('#fill-text', 'one polyp');
    await page.click('#fill');
    await page.click('#train-start');
    await page.locator('#train-error strong', { hasText: 'The model was not found.' }).waitFor();
    await page.click('#train-error summary');
    expect(await page.textContent('#train-error code')).toBe('FILE_NOT_FOUND');
    expect(await page.isDisabled('#train-start')).toBe(false);
  } finally {
    await site.close();
  }
});
