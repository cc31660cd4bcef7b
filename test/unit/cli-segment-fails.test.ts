// `tmca segment` that fails: before the model is loaded, or in the middle, and what is left behind.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { call, fakeEngine } from './cli-fakes.js';
import { files, folder, image, out, text } from './segment-images.js';

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
