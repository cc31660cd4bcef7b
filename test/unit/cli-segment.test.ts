// `tmca segment` with a network that finds red: files, JSON, and what is left behind when something fails.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { call, fakeEngine } from './cli-fakes.js';

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-segment-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** 12 x 9, red from column 6 on in rows 3 to 5. */
async function image(name: string): Promise<string> {
  const data = Buffer.alloc(12 * 9 * 3);
  for (let y = 3; y < 6; y++) for (let x = 6; x < 12; x++) data[(y * 12 + x) * 3] = 255;
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await sharp(data, { raw: { width: 12, height: 9, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

const text = ['--text', 'one red area'];
const files = async () => (await readdir(out)).sort();

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

describe('segment fails before the model is loaded', () => {
  const failing = async (argv: string[]) => {
    const engine = fakeEngine();
    const { code, stdout, stderr } = await call(['segment', ...argv], { engine });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(engine.calls).toEqual([]);
    expect(stderr.match(/\n/g)).toHaveLength(1);
    return stderr;
  };

  test.each(['', '  \n\t'])('for the text %j', async blank => {
    const path = await image('a.png');
    expect(await failing([path, '--text', blank, '--out', out])).toMatch(
      /^error \[TEXT_EMPTY\]: segment: --text must say/,
    );
    await expect(readdir(out)).rejects.toThrow();
  });
  test('for a missing image, also behind good ones', async () => {
    const message = await failing([await image('a.png'), join(folder, 'none.png'), ...text, '--out', out, '--json']);
    expect(message).toMatch(/^error \[FILE_NOT_FOUND\]: .*none\.png; check the path\n$/);
    await expect(readdir(out)).rejects.toThrow();
  });
  test('for a folder and for an empty file', async () => {
    expect(await failing([folder, ...text, '--out', out])).toMatch(/^error \[IMAGE_UNREADABLE\]: .*the folder/);
    await writeFile(join(folder, 'e.png'), '');
    expect(await failing([join(folder, 'e.png'), ...text, '--out', out])).toMatch(
      /^error \[IMAGE_UNREADABLE\]: .*0 bytes/,
    );
  });
  test('where results cannot be written', async () => {
    const path = await image('a.png');
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const place of [file, join(file, 'below')]) {
      expect(await failing([path, ...text, '--out', place])).toMatch(
        /^error \[OUTPUT_NOT_WRITABLE\]: segment: the output folder/,
      );
    }
  });
  test('where a result would replace an image', async () => {
    const images = [await image('a.png'), await image('a.mask.png')];
    const before = await readFile(images[1]!);
    expect(await failing([...images, ...text, '--out', folder])).toMatch(
      /^error \[BAD_ARGUMENT\]: .*must not replace what is read/,
    );
    expect(await readFile(images[1]!)).toEqual(before);
  });
});

describe('segment of a folder', () => {
  const frames = () => join(folder, 'frames');
  const list = (json: unknown) => (json as { image: string }[]).map(each => each.image.slice(frames().length + 1));

  test('takes all images in it as a person counts them, and passes what systems leave there over in silence', async () => {
    for (const name of ['frames/10.png', 'frames/2.png', 'frames/b.jpg', 'frames/A', 'frames/below/x.png'])
      await image(name);
    for (const name of ['Thumbs.db', '.DS_Store', 'desktop.ini', '._2.png']) await writeFile(join(frames(), name), 'x');
    const { code, json, stderr } = await call(['segment', frames(), ...text, '--out', out, '--json'], {
      engine: fakeEngine(),
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(list(json)).toEqual(['2.png', '10.png', 'A', 'b.jpg']);
  });

  test('says once what else is left out, by what it is', async () => {
    await image('frames/a.png');
    for (const name of ['notes.txt', 'list.csv']) await writeFile(join(frames(), name), 'text');
    await writeFile(join(frames(), 'scan.dcm'), Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]));
    const { code, json, stderr } = await call(['segment', frames(), ...text, '--out', out, '--json'], {
      engine: fakeEngine(),
    });
    expect(code).toBe(0);
    expect(list(json)).toEqual(['a.png']);
    expect(stderr.split('\n')).toEqual([
      `note: 2 files, such as ${join(frames(), 'list.csv')}: left out: it is no image`,
      `note: ${join(frames(), 'scan.dcm')}: left out: it is a DICOM file`,
      '',
    ]);
  });

  test('goes with single files, and leaves results of its own alone', async () => {
    await image('frames/a.png');
    const argv = ['segment', frames(), await image('z.png'), ...text, '--out', frames(), '--json'];
    for (let i = 0; i < 2; i++) {
      const { code, json } = await call(argv, { engine: fakeEngine() });
      expect(code).toBe(0);
      expect((json as { image: string }[]).map(each => each.image)).toEqual([
        join(frames(), 'a.png'),
        join(folder, 'z.png'),
      ]);
    }
  });

  test('without an image is an error, before the model is loaded', async () => {
    await mkdir(frames());
    for (const i of [1, 2]) {
      await writeFile(join(frames(), `${i}.dcm`), Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]));
    }
    const engine = fakeEngine();
    const { code, stderr } = await call(['segment', frames(), ...text, '--out', out], { engine });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error \[IMAGE_UNREADABLE\]: segment: the folder .* must hold images, got none \(2 files, such as .*1\.dcm: left out: it is a DICOM file\);/,
    );
    expect(engine.calls).toEqual([]);
  });

  test('stops at an image that is damaged, which is not left out', async () => {
    await image('frames/a.png');
    await writeFile(join(frames(), 'b.png'), 'no image');
    const { code, stderr } = await call(['segment', frames(), ...text, '--out', out], { engine: fakeEngine() });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error \[IMAGE_UNREADABLE\]: .*b\.png/)]);
  });

  test('notes of its images are counted', async () => {
    await mkdir(frames());
    for (const name of ['1.png', '2.png']) {
      const deep = sharp(Uint16Array.from([0, 4095, 100, 200]), { raw: { width: 2, height: 2, channels: 1 } });
      await deep.toColourspace('grey16').png().toFile(join(frames(), name));
    }
    const { stderr } = await call(['segment', frames(), ...text, '--out', out, '--json'], { engine: fakeEngine() });
    expect(stderr).toBe(
      `warning: 2 images, such as ${join(frames(), '1.png')}: it uses 12 of its 16 bits, and is read as a picture of 12 bits\n`,
    );
  });
});

describe('segment stops in the middle', () => {
  test('at an image that cannot be read: what is done stays and is listed', async () => {
    const broken = join(folder, 'b.jpg');
    await writeFile(broken, 'no image');
    const images = [await image('a.png'), broken, await image('c.png')];
    const engine = fakeEngine();
    const { code, json, stderr } = await call(['segment', ...images, ...text, '--out', out, '--json'], { engine });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[IMAGE_UNREADABLE\]: .*b\.jpg.*\n$/);
    expect((json as { image: string }[]).map(result => result.image)).toEqual([images[0]]);
    expect(await files()).toEqual(['a.mask.png', 'a.overlay.png']);
    expect(engine.calls.slice(-2)).toEqual(['free report', 'dispose']);
  });

  test('when the device is lost: nothing of that image, and nothing temporary', async () => {
    const engine = fakeEngine(() => {
      throw new TmcaError('DEVICE_LOST', 'segment: the device must live, got\nits loss; try again', {
        retryable: true,
      });
    });
    const { code, stdout, stderr } = await call(['segment', await image('a.png'), ...text, '--out', out, '--json'], {
      engine,
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe('error [DEVICE_LOST]: segment: the device must live, got its loss; try again\n');
    expect(await files()).toEqual([]);
    expect(engine.calls.at(-1)).toBe('dispose');
  });

  test('when the overlay cannot be written: the mask goes too', async () => {
    const path = await image('a.png');
    // A folder in the overlay's place.
    await mkdir(join(out, 'a.overlay.png', 'x'), { recursive: true });
    const { code, stderr } = await call(['segment', path, ...text, '--out', out], { engine: fakeEngine() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[OUTPUT_NOT_WRITABLE\]: .*a\.overlay\.png/);
    expect(await files()).toEqual(['a.overlay.png']);
  });

  test('when the user stops it: code 130, the images done so far, nothing half-written', async () => {
    const stop = new AbortController();
    const engine = fakeEngine(index => index === 1 && stop.abort('SIGINT'));
    const images = [await image('a.png'), await image('b.png'), await image('c.png')];
    const argv = ['segment', ...images, ...text, '--out', out, '--json'];
    const { code, json, stderr } = await call(argv, { engine, signal: stop.signal });
    expect(code).toBe(130);
    expect(stderr).toBe('error [ABORTED]: segment: stopped by its signal\n');
    expect(json).toHaveLength(1);
    expect(await files()).toEqual(['a.mask.png', 'a.overlay.png']);
    expect(engine.calls.at(-1)).toBe('dispose');
  });

  test('before it began', async () => {
    const engine = fakeEngine();
    const { code } = await call(['segment', await image('a.png'), ...text, '--out', out], {
      engine,
      signal: AbortSignal.abort(),
    });
    expect(code).toBe(130);
    expect(engine.calls).toEqual([]);
  });

  test('at a fault of the program: one line that says so', async () => {
    const engine = fakeEngine(() => {
      throw new TypeError('x is\nundefined');
    });
    const { code, stderr } = await call(['segment', await image('a.png'), ...text, '--out', out], { engine });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error [INTERNAL]: a fault of this program, not of your input: TypeError: x is undefined; please report it\n',
    );
  });
});
