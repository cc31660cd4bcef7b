// `tmca segment` with a network that finds red: files and JSON.

import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type CocoRle, fromRle } from '../../runtime/results.js';
import { call, fakeEngine } from './cli-fakes.js';
import { files, folder, image, out, text } from './segment-images.js';

describe('segment', () => {
  test('writes a mask and an overlay of the image’s size, and the JSON of the contract', async () => {
    const path = await image('a.png');
    const engine = fakeEngine();
    const { code, json, stderr } = await call(['segment', path, ...text, '--model', 'm', '--out', out, '--json'], {
      engine,
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(json).toEqual([
      {
        image: path,
        width: 12,
        height: 9,
        mask: join(out, 'a.mask.png'),
        overlay: join(out, 'a.overlay.png'),
        lesions: [{ score: 0.75, box: [6, 3, 6, 3], area: 18 }],
        omitted: { count: 0, area: 0 },
        warnings: [],
        device: 'webgpu',
        dtype: 'fp32',
        adapter: {
          vendor: 'test',
          architecture: 'fake',
          description: 'Fake adapter',
          software: true,
          features: ['shader-f16'],
        },
        ms: 6.5,
      },
    ]);
    const mask = sharp(join(out, 'a.mask.png'));
    expect(await mask.metadata()).toMatchObject({ width: 12, height: 9, channels: 1, depth: 'uchar' });
    const values = [...(await mask.toColourspace('b-w').raw().toBuffer())];
    expect(values).toEqual(Array.from({ length: 108 }, (_, i) => (i % 12 >= 6 && i >= 36 && i < 72 ? 255 : 0)));
    expect(await sharp(join(out, 'a.overlay.png')).metadata()).toMatchObject({ width: 12, height: 9, channels: 3 });
    expect(await files()).toEqual(['a.mask.png', 'a.overlay.png']);
  });

  test('says what was left out and what is to be known, and passes on what was asked', async () => {
    const path = await image('a.png');
    const warnings = [
      { code: 'MODEL_UNCHECKED', message: 'told at the opening' },
      { code: 'IMAGE_FLAT', message: 'the picture has one colour' },
    ] as const;
    const engine = fakeEngine(() => {}, { omitted: { count: 6, area: 24 }, warnings, integrity: 'unchecked' });
    const asked = ['--min-area', '0.01', '--integrity', 'required'];
    const line = ['segment', path, ...text, '--model', 'm', '--out', out];
    const { code, stdout, stderr } = await call([...line, ...asked], { engine });
    expect(code).toBe(0);
    expect(stdout).toContain('left out: 6 smaller than --min-area, 24 pixels in all');
    expect(stderr.match(/the model has no manifest.json/g)).toHaveLength(1);
    expect(stderr).not.toContain('told at the opening');
    expect(stderr).toContain(`${path}: the picture has one colour`);
    expect(engine.calls).toEqual(expect.arrayContaining(['open m auto auto required', 'segment 12x9x3 0.01']));
    const { json } = await call([...line, '--json'], { engine });
    expect(json).toMatchObject([{ omitted: { count: 6, area: 24 }, warnings }]);
    for (const wrong of ['40', '-1', 'much'])
      expect((await call([...line, '--min-area', wrong], { engine })).code).toBe(2);
    expect((await call([...line, '--integrity', 'strict'], { engine })).code).toBe(2);
  });

  test('a model that reads a sentence must be given one', async () => {
    const { code, stderr } = await call(['segment', await image('a.png'), '--out', out], { engine: fakeEngine() });
    expect([code, stderr]).toEqual([
      1,
      'error [TEXT_REQUIRED]: segment: the model red must be told what to look for, got no sentence; describe the finding in one\n',
    ]);
  });

  test('passes model, device and precision on, encodes the text once and frees everything', async () => {
    const engine = fakeEngine();
    const images = [await image('a.png'), await image('b.png')];
    const argv = [
      'segment',
      ...images,
      ...text,
      '--model',
      'dir',
      '--device',
      'webgpu',
      '--dtype',
      'fp16',
      '--out',
      out,
      '--json',
    ];
    expect((await call(argv, { engine })).code).toBe(0);
    expect(engine.calls).toEqual([
      'open dir webgpu fp16',
      'text one red area',
      'segment 12x9x3 0.0005',
      'segment 12x9x3 0.0005',
      'free report',
      'dispose',
    ]);
  });

  test('uses the model of the package and auto where nothing is said', async () => {
    const engine = fakeEngine();
    await call(['segment', await image('a.png'), ...text, '--out', out], { engine });
    expect(engine.calls[0]).toMatch(/^open .*models.nano auto auto$/);
  });

  test('without --json says what was found and where it is', async () => {
    const path = await image('a.png');
    const { code, stdout } = await call(['segment', path, ...text, '--out', out], { engine: fakeEngine() });
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      `${path}: 12 x 9, 7 ms`,
      '  1: score 0.75, 18 pixels (16.7 % of the image), 6 x 3 at (6, 3)',
      `  ${join(out, 'a.overlay.png')}`,
      `  ${join(out, 'a.mask.png')}`,
      'red on webgpu, fp32: Fake adapter',
      '',
    ]);
  });

  test('--probability writes the map at the image’s size, in 16 bits, and names it', async () => {
    const path = await image('a.png');
    const argv = ['segment', path, ...text, '--out', out, '--probability'];
    const { json, code } = await call([...argv, '--json'], { engine: fakeEngine() });
    expect(code).toBe(0);
    const written = join(out, 'a.probability.png');
    expect(json).toMatchObject([{ probability: written }]);
    expect(await sharp(written).metadata()).toMatchObject({ width: 12, height: 9, channels: 1, depth: 'ushort' });
    const bytes = await sharp(written).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer();
    const values = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    expect([values[0], values[4 * 12 + 11]]).toEqual([0, 65535]);
    // between two columns of the network's 8 the map is blended
    expect(new Set(values).size).toBeGreaterThan(2);
    expect(await files()).toEqual(['a.mask.png', 'a.overlay.png', 'a.probability.png']);
    expect((await call(argv, { engine: fakeEngine() })).stdout).toContain(`  ${written}\n`);
  });

  test('--rle prints JSON with the mask as COCO`s run lengths', async () => {
    const path = await image('a.png');
    const { json, code } = await call(['segment', path, ...text, '--out', out, '--rle'], { engine: fakeEngine() });
    expect(code).toBe(0);
    // 12 x 9: rows 3 to 5 of columns 6 to 11 are set
    const mask = Uint8Array.from({ length: 108 }, (_, i) => Number(i % 12 >= 6 && i >= 36 && i < 72));
    expect(json).toMatchObject([{ rle: { size: [9, 12] }, lesions: [{ area: 18 }] }]);
    expect(fromRle((json as [{ rle: CocoRle }])[0].rle)).toEqual(mask);
  });

  test('says so where there is no lesion', async () => {
    const path = join(folder, 'black.png');
    await sharp({ create: { width: 5, height: 4, channels: 3, background: '#000' } })
      .png()
      .toFile(path);
    const { stdout } = await call(['segment', path, ...text, '--out', out], { engine: fakeEngine() });
    expect(stdout).toContain('  no lesion found\n');
  });

  test('keeps images of one name apart, whatever their folder, ending and case', async () => {
    const images = await Promise.all(['x/a.png', 'y/a.png', 'y/A.webp', 'y/a-2.png'].map(image));
    const { code, json } = await call(['segment', ...images, ...text, '--out', out, '--json'], {
      engine: fakeEngine(),
    });
    expect(code).toBe(0);
    const masks = (json as { mask: string }[]).map(({ mask }) => mask);
    expect(masks).toEqual(['a', 'a-2', 'A-3', 'a-2-2'].map(name => join(out, `${name}.mask.png`)));
    expect(await files()).toHaveLength(8);
  });

  test('takes a threshold', async () => {
    const path = join(folder, 'dim.png');
    await sharp({ create: { width: 4, height: 4, channels: 3, background: '#640000' } })
      .png()
      .toFile(path);
    const area = async (threshold: string) => {
      const { json } = await call(['segment', path, ...text, '--out', out, '--json', '--threshold', threshold], {
        engine: fakeEngine(),
      });
      return (json as { lesions: { area: number }[] }[])[0]!.lesions.map(lesion => lesion.area);
    };
    expect(await area('0.3')).toEqual([16]);
    expect(await area('0.5')).toEqual([]);
  });

  test('warns where the text is too long, and where only a first frame is used', async () => {
    const path = join(folder, 'a.gif');
    const frames = Buffer.from(Array.from({ length: 4 * 4 * 2 * 3 }, (_, i) => (i < 48 ? 255 : 0)));
    await sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .gif()
      .toFile(path);
    const argv = ['segment', path, '--text', 'one two three four five six seven', '--out', out, '--json'];
    const { code, stderr, json } = await call(argv, { engine: fakeEngine() });
    expect(code).toBe(0);
    expect(json).toHaveLength(1);
    expect(stderr.split('\n')).toEqual([
      'warning: the text is longer than the 6 tokens of the model; the rest is left out',
      `warning: ${path}: only the first of 2 frames or pages is used`,
      '',
    ]);
  });
});
