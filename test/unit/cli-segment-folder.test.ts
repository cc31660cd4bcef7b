// `tmca segment` of a folder: which files are taken, and what is said of the others.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { call, fakeEngine } from './cli-fakes.js';
import { folder, image, out, text } from './segment-images.js';

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
