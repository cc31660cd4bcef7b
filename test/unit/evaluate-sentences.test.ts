// `tmca evaluate --sentences`: what each way tells a model, and the table of its scores.

import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssembly, Preprocessor, Vocabulary } from '../../assembly/index.js';
import { realEngine } from '../../cli/engine.js';
import { readable, WAYS, waysOf } from '../../language/captions/ways.js';
import { swapSides } from '../../language/mirror-words.js';
import { auroc } from '../../node/datasets/sentence-fit.js';
import { evaluateWays, inspectForward } from '../../node/index.js';
import { randomOf } from '../../train/random.js';
import { optionalImage, writeOptionalModel } from '../optional-model.js';
import { call, fakeEngine } from './cli-fakes.js';

const LEFT = 'one small pink oval polyp, located in top left of the image';
const CENTER = 'two large white round polyp, located in center, bottom right of the image';
const UNKNOWN = 'something on the left';

describe('what each way tells', () => {
  test('of captions that are read', () => {
    expect(waysOf([LEFT, CENTER], true)).toEqual({
      full: [LEFT, CENTER],
      no_place: ['one small pink oval polyp', 'two large white round polyp'],
      place_only: ['polyp, located in top left of the image', 'polyp, located in center, bottom right of the image'],
      paraphrase: [
        'There is a small pink oval-shaped polyp at the top left.',
        'There are two large white round-shaped polyps at the center and the bottom right.',
      ],
      clinical: [
        'Colonoscopy reveals a small pink oval polypoid lesion in the left upper quadrant.',
        'Colonoscopy reveals two large white round polypoid lesions in the central third and the right lower quadrant.',
      ],
      none: ['polyp', 'polyp'],
      swapped_side: [LEFT.replace('left', 'right'), CENTER.replace('right', 'left')],
      other_caption: [CENTER, LEFT],
    });
  });

  test('of one that is not read only what needs no reading, and the usual class word', () => {
    const ways = waysOf([UNKNOWN, LEFT, LEFT, 'two lesions'], true);
    for (const name of ['no_place', 'place_only', 'paraphrase', 'clinical'] as const)
      expect(ways[name][0]).toBeUndefined();
    expect(ways.no_place[3]).toBeUndefined();
    expect(ways.none).toEqual(['polyp', 'polyp', 'polyp', 'lesions']);
    expect(ways.swapped_side[0]).toBe('something on the right');
    expect(ways.other_caption).toEqual([LEFT, 'two lesions', 'two lesions', UNKNOWN]);
    expect(readable([UNKNOWN, LEFT, 'polyp'])).toBe(2);
  });

  test('nothing where nothing may be said, and no other caption where there is one alone', () => {
    expect(waysOf([LEFT, UNKNOWN], false).none).toEqual([null, null]);
    expect(waysOf([UNKNOWN], true).none).toEqual([undefined]);
    expect(waysOf([LEFT, LEFT], true).other_caption).toEqual([undefined, undefined]);
  });
});

let folder: string;
/** Nothing in it is red, so the fake engine finds nothing. */
const BLACK = new Uint8Array(optionalImage.data.length);
/** Pictures whose masks are white and black in turns. */
async function write(texts: readonly (string | undefined)[], picture = optionalImage.data): Promise<void> {
  const { width, height } = optionalImage;
  const records = texts.map((text, i) => ({
    id: `r${i}`,
    image: 'a.png',
    mask: `mask${i % 2}.png`,
    split: 'test',
    text,
  }));
  await writeFile(join(folder, 'dataset.json'), JSON.stringify({ name: 'Told', records }));
  await sharp(picture, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(join(folder, 'a.png'));
  for (const [i, value] of [255, 0].entries())
    await sharp(new Uint8Array(width * height).fill(value), { raw: { width, height, channels: 1 } })
      .png()
      .toFile(join(folder, `mask${i}.png`));
}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-ways-'));
  await writeOptionalModel(join(folder, 'model'));
});
afterAll(() => rm(folder, { recursive: true }));
const argv = (...more: string[]) => ['evaluate', '--data', folder, '--sentences', ...more];

test('a row for each way, each sentence told once a record', async () => {
  await write([LEFT, 'one large polyp, located in center of the image'], BLACK);
  const engine = fakeEngine();
  const { code, json } = await call(argv('--model', 'm', '--json'), { engine });
  expect(code).toBe(0);
  const { rows, fit } = json as { rows: { name: string; n: number; example: string }[]; fit: object };
  expect(rows.map(({ name }) => name)).toEqual(WAYS);
  expect(rows.map(({ n }) => n)).toEqual(WAYS.map(() => 2));
  expect(rows[5]).toMatchObject({ name: 'none', example: 'polyp' });
  // what marks no lesion is right, and what does is missed
  for (const row of rows) expect(row).toMatchObject({ dice: 0, mean_dice: 0.5, mean_iou: 0.5 });
  expect(fit).toEqual({ auroc_other: null, auroc_swapped: null });
  expect(json).toMatchObject({ data: 'Told', split: 'test', model: 'red' });
  const told = engine.calls.filter(line => line.startsWith('text '));
  // the second has no side to swap, so its swapped sentence is its own
  expect(told).toHaveLength(8 + 7);
  expect(told.filter(line => line.includes('center of the image'))).toHaveLength(1 + 1 + 1);
});

test('the table says what is told, and what could not be', async () => {
  await write([UNKNOWN, LEFT], BLACK);
  const { stdout, stderr } = await call(argv('--model', 'm'), { engine: fakeEngine() });
  expect(stdout).toMatch(/^red on Told, test, at 8 x 8\n {2}told +images +dice +iou +per image +iou +such as\n/);
  expect(stdout).toMatch(/^ {2}full +2 +0\.0000 +0\.0000 +0\.5000 +0\.5000 +"something on the left"$/m);
  expect(stdout).toMatch(/^ {2}paraphrase +1 .*"There is a small pink oval-shaped polyp at the top left\."$/m);
  expect(stderr).toMatch(/^note: 1 of 2 texts are in no wording that is known: /m);
  expect(stderr).toMatch(/^warning: clinical: 1 of 1 texts are longer than the 6 tokens of the model/m);
  expect((await call(argv('--text', 'polyp'), { engine: fakeEngine() })).code).toBe(2);
});

test('a model whose sentence is optional is told nothing, not the class word', async () => {
  await write([LEFT, LEFT.replace('left', 'right')]);
  const on = ['--model', join(folder, 'model'), '--device', 'wasm', '--json'];
  const { json } = await call(argv(...on), { engine: realEngine });
  const { rows } = json as { rows: { name: string; example: string | null; dice: number }[] };
  expect(rows[5]).toMatchObject({ name: 'none', example: null });
  const alone = await call(['evaluate', '--data', folder, '--no-text', ...on], { engine: realEngine });
  expect((alone.json as { dice: number }).dice).toBe(rows[5]!.dice);
  const again = await evaluateWays({ data: folder, model: join(folder, 'model'), device: 'wasm' });
  expect(JSON.parse(JSON.stringify(again))).toEqual(json);
});

test('the area under the curve is how often a right one is above a wrong one', () => {
  expect(auroc([3, 4], [1, 2])).toBe(1);
  expect(auroc([1, 2], [3, 4])).toBe(0);
  expect(auroc([1, 3], [2, 2])).toBe(0.5);
  expect(auroc([2, 2, 5], [2, 1])).toBe((1.5 + 1.5 + 2) / 6);
  expect([auroc([], [1]), auroc([1], [])]).toEqual([null, null]);
  const random = randomOf('auroc');
  const [right, wrong] = [0, 0].map(() => Array.from({ length: 60 }, () => random.below(20))) as [number[], number[]];
  const wins = right.flatMap(a => wrong.map(b => (a > b ? 1 : a === b ? 0.5 : 0)));
  expect(auroc(right, wrong)).toBeCloseTo(wins.reduce<number>((sum, win) => sum + win, 0) / 3600, 12);
});

test('the fit is the similarity at level G of captions to pictures, against wrong ones', async () => {
  const captions = [LEFT, 'two polyp, located in right of the image', 'small polyp, located in center of the image'];
  await write(captions);
  const model = join(folder, 'model');
  const { fit } = await evaluateWays({ data: folder, model, device: 'wasm' });
  const assembly = await loadAssembly();
  using preprocessor = new Preprocessor(assembly, { size: 32, normalize: 'zscore', layout: 'nchw' });
  using vocabulary = new Vocabulary(assembly, readFileSync(join(model, 'vocab.txt')));
  const picture = Float32Array.from(preprocessor.run(optionalImage));
  const similarity = async (text: string) => {
    const { ids } = vocabulary.encode(text, { maxLength: 16 });
    const tokens = { shape: [1, ids.length], data: ids };
    const image = { shape: [1, 3, 32, 32], data: picture };
    const inputs = { image, ids: tokens, mask: { ...tokens, data: ids.map(() => 1) } };
    const { outputs } = await inspectForward(model, inputs, { device: 'wasm' });
    const [a, b] = [outputs['pair.G.image']!.data, outputs['pair.G.text']!.data];
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  const all = async (texts: readonly string[]) => Promise.all(texts.map(similarity));
  const own = await all(captions);
  const other = await all([...captions.slice(1), captions[0]!]);
  const swapped = await all(captions.slice(0, 2).map(swapSides));
  expect(fit.auroc_other).toBe(auroc(own, other));
  expect(fit.auroc_swapped).toBe(auroc(own.slice(0, 2), swapped));
});

test('one that reads no sentence has one row, also of data without any', async () => {
  await write([undefined, undefined]);
  const unet = join(folder, 'unet');
  await mkdir(unet);
  const json = { network: 'unet', name: 'plain', image_size: 16, channels: [4, 6, 8] };
  await writeFile(join(unet, 'config.json'), JSON.stringify(json));
  const engine = fakeEngine();
  const open = engine.openSession;
  engine.openSession = async (...given) => {
    const { info, ...session } = await open(...given);
    return { ...session, info: { ...info, model: { ...info.model, text: 'none', maxTextLength: 0 } } };
  };
  const { json: table } = await call(argv('--model', unet, '--json'), { engine });
  const fit = { auroc_other: null, auroc_swapped: null };
  expect(table).toMatchObject({ rows: [{ name: 'none', n: 2, example: null }], fit });
  expect((table as { notes: string[] }).notes.join()).not.toContain('wording');
  expect(engine.calls.some(line => line.startsWith('text '))).toBe(false);
});
