// `tmca evaluate` with a network that finds red, against masks whose agreement is known by hand.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, fakeEngine } from './cli-fakes.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-evaluate-'));
  await mkdir(join(folder, 'images'));
  await mkdir(join(folder, 'masks'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Rows of an 8 x 8 picture that are set: red in the image, white in the mask. */
const picture = (rows: number[], channels: 1 | 3, scale: number) => {
  const size = 8 * scale;
  const data = Buffer.alloc(size * size * channels);
  for (let y = 0; y < size; y++) {
    if (!rows.includes(Math.floor(y / scale))) continue;
    for (let x = 0; x < size; x++) data[(y * size + x) * channels] = 255;
  }
  return sharp(data, { raw: { width: size, height: size, channels } });
};

interface Sample {
  id: string;
  predicted: number[];
  real: number[];
  split?: string;
  text?: string;
  corner_artefact?: boolean;
}

async function dataset(samples: Sample[], scale = 1, imageScale = 1): Promise<void> {
  const records = [];
  for (const { id, predicted, real, split = 'test', text = 'red', ...marks } of samples) {
    const [image, mask] = [`images/${id}.png`, `masks/${id}.png`];
    await picture(predicted, 3, imageScale).png().toFile(join(folder, image));
    await picture(real, 1, scale).toColourspace('b-w').png().toFile(join(folder, mask));
    records.push({ id, image, mask, split, text, ...marks });
  }
  await writeFile(join(folder, 'dataset.json'), JSON.stringify({ name: 'Rows', records }));
}

const argv = (...more: string[]) => ['evaluate', '--data', folder, '--model', 'm', ...more];

describe('evaluate', () => {
  const samples = [
    { id: 'right', predicted: [0, 1], real: [0, 1] },
    // 1 row in common of 2 and 3.
    { id: 'half', predicted: [0, 1], real: [1, 2, 3] },
    { id: 'both empty', predicted: [], real: [] },
    { id: 'missed', predicted: [], real: [7] },
  ];

  test('an image of train and test is warned about, a prompt and what it was scored with are kept', async () => {
    await dataset([{ id: 'a', predicted: [0], real: [0] }]);
    const path = join(folder, 'dataset.json');
    const [record] = JSON.parse(await readFile(path, 'utf8')).records;
    const prompts = { p1: ['red', 'reddish'], p6: 'one red row' };
    const records = [
      { ...record, text: undefined, prompts },
      { ...record, id: 'b', split: 'train', text: '' },
    ];
    await writeFile(path, JSON.stringify({ name: 'Rows', records }));
    const { code, json, stderr } = await call(argv('--json', '--prompt', 'p1'), { engine: fakeEngine() });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: 1 image is in "train" and in "test": .*\(images\/a\.png\)$/m);
    expect(stderr.match(/is in "train"/g)).toHaveLength(1);
    expect(stderr).toMatch(/^note: 1 records have several sentences/m);
    expect(json).toMatchObject({ n: 1, dice: 1, prompt: 'p1' });
    expect((json as { notes: string[] }).notes).toHaveLength(2);
  });

  test('several masks of a record are united', async () => {
    await dataset([
      { id: 'a', predicted: [0, 1], real: [0] },
      { id: 'b', predicted: [0, 1], real: [1] },
    ]);
    const path = join(folder, 'dataset.json');
    const [record] = JSON.parse(await readFile(path, 'utf8')).records;
    const records = [{ ...record, mask: ['masks/a.png', 'masks\\b.png'] }];
    await writeFile(path, JSON.stringify({ records }));
    const { json } = await call(argv('--json'), { engine: fakeEngine() });
    expect(json).toMatchObject({ n: 1, dice: 1 });
  });

  test('folders of images and masks take one sentence for all, and are scored whole', async () => {
    await dataset([{ id: 'a', predicted: [0], real: [0] }]);
    await rm(join(folder, 'dataset.json'));
    const without = await call(argv(), { engine: fakeEngine() });
    expect(without.stderr).toMatch(/^error \[DATASET_INVALID\]: .*--text polyp/);
    const { json, stderr } = await call(argv('--text', 'red', '--json'), { engine: fakeEngine() });
    expect(json).toMatchObject({ n: 1, dice: 1, text: 'red', split: 'test' });
    expect(stderr).toMatch(/^note: .* has no splits: all its 1 records are taken for "test"$/m);
  });

  test('pools pixels, averages images, and says both', async () => {
    await dataset(samples);
    const { code, json, stderr } = await call(argv('--json'), { engine: fakeEngine() });
    expect(stderr).toBe('note: 1 of 4 masks are empty: they mark no lesion\n');
    expect(code).toBe(0);
    expect(json).toEqual({
      n: 4,
      truncated: 0,
      integrity: 'checked',
      // 3 rows in common; 4 predicted, 6 real; of 32 rows 4 are wrong.
      dice: 6 / 10,
      iou: 3 / 7,
      accuracy: 28 / 32,
      mean_dice: (1 + 2 / 5 + 1 + 0) / 4,
      mean_iou: (1 + 1 / 4 + 1 + 0) / 4,
      per_image: [
        { id: 'right', dice: 1, iou: 1, accuracy: 1, target: 2 / 8 },
        { id: 'half', dice: 0.4, iou: 0.25, accuracy: 5 / 8, target: 3 / 8 },
        { id: 'both empty', dice: 1, iou: 1, accuracy: 1, target: 0 },
        { id: 'missed', dice: 0, iou: 0, accuracy: 7 / 8, target: 1 / 8 },
      ],
      without: {},
      empty_masks: 1,
      notes: ['1 of 4 masks are empty: they mark no lesion'],
      device: 'webgpu',
      dtype: 'fp32',
      adapter: expect.objectContaining({ description: 'Fake adapter' }),
      data: 'Rows',
      split: 'test',
      model: 'red',
      hash: '00',
      size: 8,
      threshold: 0.5,
    });
  });

  test('brings images and masks to the size of the network', async () => {
    await dataset(samples, 5, 5);
    expect((await call(argv('--json'), { engine: fakeEngine() })).json).toMatchObject({ dice: 0.6, iou: 3 / 7 });
  });

  test('takes the test split unless told otherwise', async () => {
    await dataset([...samples, { id: 'other', predicted: [0], real: [0], split: 'val' }]);
    expect((await call(argv('--json'), { engine: fakeEngine() })).json).toMatchObject({ n: 4 });
    const { json } = await call(argv('--json', '--split', 'val'), { engine: fakeEngine() });
    expect(json).toMatchObject({ n: 1, dice: 1, split: 'val', per_image: [{ id: 'other' }] });
  });

  test('compares the network’s own map with the threshold', async () => {
    await dataset([{ id: 'a', predicted: [0], real: [0, 1, 2, 3, 4, 5, 6, 7] }]);
    expect((await call(argv('--json', '--threshold', '0'), { engine: fakeEngine() })).json).toMatchObject({
      dice: 1,
      threshold: 0,
    });
  });

  test('gives each record its own text, and frees every report', async () => {
    await dataset([
      { ...samples[0]!, text: 'first' },
      { ...samples[1]!, text: 'second' },
    ]);
    const engine = fakeEngine();
    await call(argv('--json', '--dtype', 'fp32'), { engine });
    expect(engine.calls).toEqual([
      'open m auto fp32',
      ...['text first', 'segment 8x8x3', 'free report'],
      ...['text second', 'segment 8x8x3', 'free report'],
      'dispose',
    ]);
  });

  test('scores anew without the records that the data set marks, and a mark of none or all counts for nothing', async () => {
    const [right, half, ...others] = samples;
    const marked = [{ ...right!, corner_artefact: true }, { ...half!, corner_artefact: false }, ...others];
    await dataset(marked);
    const { json } = await call(argv('--json'), { engine: fakeEngine() });
    const without = { n: 3, dice: 2 / 6, iou: 1 / 5, accuracy: 20 / 24, mean_dice: 1.4 / 3, mean_iou: 1.25 / 3 };
    expect(json).toMatchObject({ n: 4, dice: 0.6, without: { corner_artefact: without } });
    const { stdout } = await call(argv(), { engine: fakeEngine() });
    expect(stdout).toContain('\n  without corner_artefact (3)   dice 0.3333  per image 0.4667\n');
    await dataset(marked.map(sample => ({ ...sample, corner_artefact: true })));
    expect((await call(argv('--json'), { engine: fakeEngine() })).json).toMatchObject({ n: 4, without: {} });
  });

  test('--text takes the place of every text, also of none', async () => {
    await dataset([samples[0]!, { ...samples[1]!, text: '' }]);
    const engine = fakeEngine();
    const { json } = await call(argv('--json', '--text', 'polyp'), { engine });
    expect(json).toMatchObject({ n: 2, text: 'polyp' });
    expect(engine.calls.filter(c => c.startsWith('text'))).toEqual(['text polyp', 'text polyp']);
    const { stdout } = await call(argv('--text', 'polyp'), { engine: fakeEngine() });
    expect(stdout).toContain('red on Rows, test: 2 images at 8 x 8, every text "polyp"\n');
    const { code, stderr } = await call(argv('--text', ' '), { engine: fakeEngine() });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/DATASET_INVALID.*text is empty/)]);
  });

  test('without --json is a few lines', async () => {
    await dataset(samples);
    const { stdout } = await call(argv(), { engine: fakeEngine() });
    expect(stdout).toBe(
      'red on Rows, test: 4 images at 8 x 8\n' +
        '  all pixels   dice 0.6000  iou 0.4286  accuracy 0.8750\n' +
        '  per image    dice 0.6000  iou 0.5625\n' +
        '  webgpu, fp32: Fake adapter\n',
    );
  });

  test('warns once of texts that are cut', async () => {
    const text = 'one two three four five six seven';
    await dataset([{ ...samples[0]!, text }, samples[1]!, { ...samples[3]!, text }]);
    const { stderr, code } = await call(argv('--json'), { engine: fakeEngine() });
    expect(code).toBe(0);
    expect(stderr).toBe(
      'warning: 2 of 3 texts are longer than the 6 tokens of the model; the rest of each is left out\n',
    );
  });
});

describe('masks', () => {
  const one = { id: 'a', predicted: [0, 1], real: [0, 1] };
  const mask = (of: string) => join(folder, 'masks', `${of}.png`);
  /** An 8 x 8 mask of these values, one a row; black below. */
  const rows = (...values: number[]) =>
    sharp(Buffer.from(Array.from({ length: 64 }, (_, i) => values[i >> 3] ?? 0)), {
      raw: { width: 8, height: 8, channels: 1 },
    }).toColourspace('b-w');

  test('of 0 and 1 count as what they are, with one note for all', async () => {
    await dataset([one, { ...one, id: 'b' }]);
    for (const id of ['a', 'b']) await rows(1, 1).png().toFile(mask(id));
    const { json, stderr } = await call(argv('--json'), { engine: fakeEngine() });
    expect(json).toMatchObject({ dice: 1, empty_masks: 0 });
    const note = `2 masks, such as ${mask('a')}: its values are 0 to 1, not to 255: 1 is read as the lesion`;
    expect(json).toMatchObject({ notes: [note] });
    expect(stderr).toBe(`note: ${note}\n`);
  });

  test('of another size, turned otherwise, or of labels: refused before the first image', async () => {
    await dataset([one, { ...one, id: 'b' }, { ...one, id: 'c' }]);
    await rows(255, 255).resize(9, 8).png().toFile(mask('a'));
    await rows(255, 255).withMetadata({ orientation: 3 }).png().toFile(mask('b'));
    await rows(1, 1, 1, 2, 2, 2).png().toFile(mask('c'));
    const engine = fakeEngine();
    const { code, stdout, stderr } = await call(argv('--json'), { engine });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error \[DATASET_INVALID\]: .* got 3 of 3 at fault: "a" .*size.*"b" .*EXIF.*"c" .*labels/);
    expect(engine.calls.filter(each => each.startsWith('segment'))).toEqual([]);
  });

  test('that mark nothing at all: a warning', async () => {
    await dataset([{ ...one, real: [] }]);
    const { code, stderr } = await call(argv('--json'), { engine: fakeEngine() });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: none of 1 masks marks a lesion/);
  });
});

describe('evaluate gives no score', () => {
  test('for a data set at fault, before the model is loaded', async () => {
    await dataset([{ id: 'a', predicted: [], real: [], text: ' ' }]);
    const engine = fakeEngine();
    const { code, stdout, stderr } = await call(argv('--json'), { engine });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error \[DATASET_INVALID\]: .*got 1 of 1 records .*"a" \(text is empty\).*\n$/);
    expect(engine.calls).toEqual([]);
  });
  test('over a part, where an image in the middle is damaged', async () => {
    await dataset([
      { id: 'a', predicted: [0], real: [0] },
      { id: 'b', predicted: [0], real: [0] },
    ]);
    await writeFile(join(folder, 'images', 'b.png'), 'no image');
    const engine = fakeEngine();
    const { code, stdout, stderr } = await call(argv('--json'), { engine });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error \[IMAGE_UNREADABLE\]: .*b\.png/);
    expect(engine.calls.at(-1)).toBe('dispose');
  });
  test('when it is stopped', async () => {
    await dataset([
      { id: 'a', predicted: [0], real: [0] },
      { id: 'b', predicted: [0], real: [0] },
    ]);
    const stop = new AbortController();
    const engine = fakeEngine(() => stop.abort());
    const { code, stdout, stderr } = await call(argv('--json'), { engine, signal: stop.signal });
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error \[ABORTED\]/);
    expect(engine.calls.slice(-2)).toEqual(['free report', 'dispose']);
  });
});
