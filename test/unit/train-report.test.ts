// Reports: what a page may hold, curves, the choice of pictures, and report.html of runs in all states.

import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { escapeHtml, html } from '../../reports/html.js';
import { diceHistogram, lineChart, sizeScatter } from '../../reports/run/charts.js';
import { heatMap } from '../../reports/run/heat-map.js';
import { short } from '../../reports/run/page.js';
import { pickRecords } from '../../reports/run/pictures.js';
import { type Point, seriesOf, smooth, thin } from '../../reports/run/series.js';
import { type RunInfo, readRunInfo, writeRunInfo } from '../../train/run-files/index.js';
import { call, fakeEngine } from './cli-fakes.js';

const points = (...values: number[]): Point[] => values.map((value, i) => ({ step: i + 1, epoch: 0, value }));

describe('html', () => {
  test('what is put in is text; what was made here is markup', () => {
    const made = html`<p title="${'"quoted" & \'both\''}">${'<script>'}${html`<b>${1}</b>`}${[2, 'a<']}${null}${false}</p>`;
    expect(made.markup).toBe('<p title="&quot;quoted&quot; &amp; &#39;both&#39;">&lt;script&gt;<b>1</b>2a&lt;</p>');
  });

  test('controls, halves of pairs and turned writing are replaced', () => {
    expect(escapeHtml('a\0b\x1bc\ud800d\u202ee\tf')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\tf');
    expect(escapeHtml('😀é漢')).toBe('😀é漢');
  });

  test('no text can leave its place', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => !/[<>"']/.test(escapeHtml(text))));
  });
});

describe('curves', () => {
  test('a series is the finite values of one kind of line', () => {
    const lines = [
      { kind: 'step', step: 1, epoch: 0, loss: 2 },
      { kind: 'step', step: 2, epoch: 0, loss: 'NaN' },
      { kind: 'epoch', step: 2, epoch: 0, loss: 9 },
      { kind: 'step', step: 3, epoch: 1 },
      { kind: 'step', step: 4, epoch: 1, loss: 1 },
    ] as const;
    expect(seriesOf(lines, 'step', 'loss')).toEqual([
      { step: 1, epoch: 0, value: 2 },
      { step: 4, epoch: 1, value: 1 },
    ]);
  });

  test('smoothing leaves a constant, does not lag behind a line, and quietens noise', () => {
    expect(smooth(points(3, 3, 3, 3), 3).map(({ value }) => value)).toEqual([3, 3, 3, 3]);
    const falling = points(...Array.from({ length: 201 }, (_, i) => 200 - i));
    expect(smooth(falling, 9)[100]!.value).toBeCloseTo(100, 9);
    const noisy = points(...Array.from({ length: 200 }, (_, i) => 5 + (i % 2 ? 1 : -1)));
    for (const { value } of smooth(noisy, 40).slice(20, 180)) expect(Math.abs(value - 5)).toBeLessThan(0.06);
    expect(smooth(points(1, 7, 2), 1)).toEqual(points(1, 7, 2));
  });

  test('thinning keeps every peak, in order', () => {
    const values = Array.from({ length: 10_000 }, (_, i) => Math.sin(i));
    values[4321] = 50;
    values[7654] = -50;
    const thinned = thin(points(...values), 100);
    expect(thinned.length).toBeLessThanOrEqual(200);
    expect(thinned.map(({ value }) => value)).toEqual(expect.arrayContaining([50, -50]));
    expect(thinned.map(({ step }) => step)).toEqual(thinned.map(({ step }) => step).sort((a, b) => a - b));
  });

  test('a chart draws its lines from left to right, the larger value higher', () => {
    const line = { name: 'loss', colour: 'a', points: points(4, 2), span: 1 } as const;
    const { markup } = lineChart({ title: 'Loss', format: String, lines: [line] }, 1, 2)!;
    const [, x0, y0, x1, y1] = /class="line a" d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)"/.exec(markup)!.map(Number);
    expect(x0).toBeLessThan(x1!);
    expect(y0).toBeLessThan(y1!);
    expect(markup).not.toContain('class="names"');
    expect(lineChart({ title: 'Loss', format: String, lines: [{ ...line, points: [] }] }, 0, 1)).toBeNull();
  });

  test('a single value and a constant have a scale too', () => {
    for (const some of [points(0), points(2, 2, 2)]) {
      const line = { name: 'lr', colour: 'a', points: some } as const;
      expect(lineChart({ title: 'x', format: String, lines: [line] }, 0, 3)!.markup).not.toMatch(/NaN|Infinity/);
    }
  });

  test('the histogram counts each image once, 1 in the last bar', () => {
    const { markup } = diceHistogram([0, 0.04, 0.5, 1, 1], 0.508, 'Images');
    const counts = [...markup.matchAll(/<title>([\d.]+ to [\d.]+): (\d+)<\/title>/g)];
    expect(counts.filter(([, , n]) => n !== '0').map(([, bin, n]) => [bin, n])).toEqual([
      ['0.00 to 0.05', '2'],
      ['0.50 to 0.55', '1'],
      ['0.95 to 1.00', '2'],
    ]);
  });

  test('images without a lesion have no place on a scale of sizes', () => {
    expect(sizeScatter([{ id: 'empty', dice: 1, target: 0 }])).toBeNull();
    const { markup } = sizeScatter([
      { id: 'empty', dice: 1, target: 0 },
      { id: 'a', dice: 0.5, target: 0.1 },
    ])!;
    expect([...markup.matchAll(/<circle/g)].length).toBe(1);
    expect(markup).toContain('<title>a: Dice 0.500, 10 %</title>');
  });

  test.each([
    [0, '0'],
    [1e-6, '1e-6'],
    [2.5e-4, '2.5e-4'],
    [0.05, '0.05'],
    [1234.5, '1230'],
  ])('%d is written %s', (value, text) => expect(short(value)).toBe(text));
});

describe('pictures', () => {
  const scores = (...dice: number[]) =>
    dice.map((d, i) => ({ id: `r${i}`, dice: d, iou: d, accuracy: d, target: 0.1 }));
  const ids = (picked: ReturnType<typeof pickRecords>) =>
    [picked.Best, picked.Median, picked.Worst].map(group => group.map(({ id }) => id));

  test('best, median and worst, none twice; equal scores by id', () => {
    expect(ids(pickRecords(scores(0.1, 0.9, 0.5, 0.7, 0.3), 1))).toEqual([['r1'], ['r2'], ['r0']]);
    expect(ids(pickRecords(scores(1, 1, 1), 3))).toEqual([['r0'], ['r1'], ['r2']]);
    expect(ids(pickRecords(scores(0.5), 3))).toEqual([['r0'], [], []]);
    expect(ids(pickRecords(scores(0.5, 0.6), 3))).toEqual([['r1'], [], ['r0']]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), dice => {
        const all = ids(pickRecords(scores(...dice), 3)).flat();
        return new Set(all).size === all.length && all.length <= 9 && all.length >= Math.min(3, dice.length);
      }),
    );
  });

  test('a heat map is clear at its mean, orange above, blue below', async () => {
    const { png, low, high } = await heatMap(Float32Array.from([0.5, 1, 1.5, 1]), 2, 2);
    expect([low, high]).toEqual([0.5, 1.5]);
    const { data } = await sharp(Buffer.from(png.split(',')[1]!, 'base64'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixel = (i: number) => [...data.subarray(4 * i, 4 * i + 4)];
    // log 0.5 is the furthest; log 1.5 is 0.585 of it
    expect(pixel(0)).toEqual([40, 90, 255, 204]);
    expect([pixel(1)[3], pixel(3)[3]]).toEqual([0, 0]);
    expect(pixel(2)).toEqual([255, 166, 0, Math.round((204 * Math.log(1.5)) / Math.log(2))]);
  });

  test('a map that is almost even stays faint', async () => {
    const { png } = await heatMap(Float32Array.from([0.99, 1.01]), 2, 1);
    const { data } = await sharp(Buffer.from(png.split(',')[1]!, 'base64'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(Math.max(data[3]!, data[7]!)).toBeLessThan(12);
  });
});

describe('report', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tmca-report-'));
    await mkdir(join(folder, 'run'));
    await mkdir(join(folder, 'data'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const evil = '</q><script>alert(1)</script><img src="https://example.org/x" onerror=alert(1)>';
  const info = (more: Partial<RunInfo> = {}): RunInfo => ({
    package: 'tmca-edge@0.0.0',
    command: `tmca train --data '${evil}'`,
    data: { folder: join(folder, 'data'), name: evil, records: { train: 3 } },
    device: { adapter: 'Test adapter', software: true, dtype: 'fp32' },
    seed: 7,
    config: { lr: 0.5, epochs: 100, text_override: null },
    taken: { micro_batch: 4, recompute: 'blocks' },
    started: '2026-01-01T00:00:00Z',
    ended: { at: '2026-01-01T01:00:00Z', why: 'all 2 epochs' },
    ...more,
  });
  const metrics = [
    { kind: 'step', step: 1, epoch: 0, loss: 2, segmentation: 1.5, contrastive: 0.5, lr: 0.5, images_per_second: 3 },
    { kind: 'epoch', step: 1, epoch: 0, val_dice: 0.25, val_iou: 0.2, val_mean_dice: 0.3 },
    { kind: 'step', step: 2, epoch: 1, loss: 1, segmentation: 0.75, contrastive: 0.25, lr: 0.1, images_per_second: 3 },
    { kind: 'epoch', step: 2, epoch: 1, val_dice: 0.75, val_iou: 0.6, val_mean_dice: 0.7 },
  ];

  /** The fake network of the command finds red. */
  async function dataset(texts: string[], split = 'test'): Promise<void> {
    const square = (background: string) =>
      sharp({ create: { width: 6, height: 6, channels: 3, background } })
        .extend({ top: 1, bottom: 1, left: 1, right: 1, background: '#000' })
        .png()
        .toBuffer();
    const [red, white] = await Promise.all(['#f00', '#fff'].map(square));
    await writeFile(join(folder, 'data', 'image.png'), red!);
    await writeFile(join(folder, 'data', 'mask.png'), white!);
    const files = { image: 'image.png', mask: 'mask.png' };
    const records = texts.map((text, i) => ({ id: `${evil}${i}`, ...files, split, text, [evil]: i === 0 }));
    await writeFile(join(folder, 'data', 'dataset.json'), JSON.stringify({ name: evil, records }));
  }

  async function run({
    model = true,
    lines = metrics as object[],
    about = info() as RunInfo | null,
  } = {}): Promise<void> {
    const write = (name: string, content: string) => writeFile(join(folder, 'run', name), content);
    await write('metrics.jsonl', lines.map(line => `${JSON.stringify(line)}\n`).join(''));
    await write('config.json', JSON.stringify({ name: evil, image_size: 32, enhance: true }));
    if (model) await write('model.safetensors', 'read by the engine');
    if (about) await writeRunInfo(join(folder, 'run'), about);
  }

  const page = () => readFile(join(folder, 'run', 'report.html'), 'utf8');
  const report = (...more: string[]) => call(['report', join(folder, 'run'), ...more], { engine: fakeEngine() });

  test('of a finished run: one file, nothing fetched, nothing run, whatever the data say', async () => {
    await run();
    await dataset([evil, 'two', 'three', 'four']);
    const { code, stdout, stderr } = await report();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`${join(folder, 'run', 'report.html')}\n  test, 4 images   dice 1.0000  per image 1.0000\n`);
    const text = await page();
    expect(text).not.toMatch(/<script/i);
    expect(text).not.toMatch(/<img|onerror=alert\(1\)>/);
    // no attribute leads out of the file
    for (const [, address] of text.matchAll(/\b(?:href|src)="([^"]*)"/g))
      expect(address).toMatch(/^(data:image\/|#photo-)/);
    expect(text).toContain('default-src &#39;none&#39;');
    expect(text).toContain(escapeHtml(evil));
    expect(text).toContain('finished: all 2 epochs');
    expect(text).toContain('0.750</b><span>best validation Dice, epoch 2');
    expect(text).toContain(`3 without ${escapeHtml(evil)}`);
    expect(text).toContain('<dt>a batch taken</dt><dd>4 images at a time, recomputed: blocks</dd>');
    expect(text).toMatch(/<dt>lr<\/dt><dd class="set">0.5<\/dd>/);
    expect(text).toMatch(/<dt>epochs<\/dt><dd class="">100<\/dd>/);
    expect(text).toContain('Not a medical device');
    // pairs of svg and figures are closed: a parser's view of the same
    for (const tag of ['svg', 'figure', 'div', 'table', 'dl', 'main'])
      expect([...text.matchAll(new RegExp(`<${tag}[ >]`, 'g'))].length, tag).toBe(text.split(`</${tag}>`).length - 1);
  });

  test('leaves the scores beside it, as evaluate prints them, with the model that they are of', async () => {
    await run();
    await dataset(['one', 'two', 'three']);
    const { json } = await report('--json');
    const file = JSON.parse(await readFile(join(folder, 'run', 'evaluation-test.json'), 'utf8'));
    expect(json).toEqual({ report: join(folder, 'run', 'report.html'), evaluation: file });
    expect(file).toMatchObject({ n: 3, dice: 1, split: 'test', model: 'red', hash: '00', device: 'webgpu' });
    expect((await readdir(join(folder, 'run'))).filter(name => name.includes('.tmp'))).toEqual([]);
  });

  test('scores by what the model is told where that is asked for, and keeps the table', async () => {
    await run();
    await dataset(['one small polyp, located in left of the image', 'two large polyp, located in top of the image']);
    await report();
    expect(await page()).not.toContain('what the model is told');
    expect((await report('--sentences')).code).toBe(0);
    const kept = JSON.parse(await readFile(join(folder, 'run', 'sentences-test.json'), 'utf8'));
    expect(kept).toMatchObject({ rows: { length: 8 }, split: 'test', hash: '00', device: 'webgpu' });
    const text = await page();
    expect(text).toContain('<th>what the model is told</th>');
    expect(text).toMatch(/<th title="There is a small polyp at the left\.">a paraphrase<\/th><td>2<\/td><td>1\.0000/);
  });

  test('shows the maps of LTEM over each picture, and says where no adapter could compute them', async () => {
    await run();
    await dataset(['one', 'two', 'three words']);
    // even over each picture, so that each map's range tells which picture it is of
    const map = (side: number) => {
      const data = new Float32Array(3 * side * side).map((_, i) => (i % 2 ? 1 : 1 / (1 + Math.floor(i / side ** 2))));
      return { shape: [3, 1, side, side], data };
    };
    const outputs = { 'enhancement.1': map(2), 'enhancement.2': map(4), 'enhancement.3': map(8) };
    const asked: unknown[] = [];
    const inspectForward = async (_: string, inputs: object) => {
      asked.push(inputs);
      return { outputs } as never;
    };
    const argv = ['report', join(folder, 'run')];
    expect((await call(argv, { engine: { ...fakeEngine(), inspectForward } })).code).toBe(0);
    expect(asked).toMatchObject([
      { image: { shape: [3, 3, 32, 32] }, ids: { shape: [3, 2] }, mask: { shape: [3, 2] } },
    ]);
    expect((asked[0] as { mask: { data: number[] } }).mask.data).toEqual([1, 0, 1, 0, 1, 1]);
    const text = await page();
    expect([...text.matchAll(/aria-label="LTEM at stride 32"/g)].length).toBe(3);
    expect([...text.matchAll(/stride 8<br>([\d.]+ – [\d.]+)/g)].map(([, range]) => range)).toEqual([
      ...['1.00 – 1.00', '0.67 – 1.33', '0.50 – 1.50'],
    ]);
    for (const [, id] of text.matchAll(/<use href="#([^"]*)"/g)) expect(text).toContain(`<image id="${id}"`);
    const none = async () => {
      throw new TmcaError('NO_ADAPTER', 'none');
    };
    expect((await call(argv, { engine: { ...fakeEngine(), inspectForward: none } })).code).toBe(0);
    expect(await page()).toContain("Without the network's maps: no WebGPU adapter was at hand");
  });

  test('a run whose texts were replaced is scored with its text', async () => {
    await run({ about: info({ config: { text_override: 'polyp' } }) });
    await dataset(['one', 'two', 'three']);
    const engine = fakeEngine();
    await call(['report', join(folder, 'run')], { engine });
    expect(new Set(engine.calls.filter(c => c.startsWith('text')))).toEqual(new Set(['text polyp']));
    expect(JSON.parse(await readFile(join(folder, 'run', 'evaluation-test.json'), 'utf8')).text).toBe('polyp');
  });

  test('of an unfinished run, without a model, says so and shows the curves', async () => {
    await run({ model: false, lines: metrics.slice(0, 1), about: info({ ended: null }) });
    // a line that is just being written, or that a kill has cut
    await appendFile(join(folder, 'run', 'metrics.jsonl'), '{"kind":"step","st');
    const { code, stderr } = await report();
    expect(code).toBe(0);
    expect(stderr).toBe('warning: no scores: No epoch is complete yet, so there is no model to score.\n');
    const text = await page();
    expect(text).toContain('unfinished: step 1, epoch 1');
    expect(text).toContain('aria-label="Loss"');
    expect(text).not.toContain('aria-label="Validation"');
  });

  test('without its data set, or with none named, it has no scores', async () => {
    await run({ about: info({ data: { folder: join(folder, 'gone'), name: 'x', records: {} } }) });
    expect((await report()).stderr).toContain('The data set is not where it was: name it with --data.');
    await rm(join(folder, 'run', 'run.json'));
    expect((await report()).stderr).toContain('No data set was named: name one with --data.');
    expect(await page()).toContain('No data set was named');
    await dataset(['one'], 'val');
    expect((await report('--data', join(folder, 'data'), '--split', 'val')).code).toBe(0);
    expect(await page()).toContain('These records chose the epoch');
  });

  test('a folder that is no run, and a run.json that is none', async () => {
    const { code, stderr } = await report();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error \[FILE_NOT_FOUND\]: writeReport: a run's folder must hold metrics.jsonl and a model/,
    );
    await run();
    await writeFile(join(folder, 'run', 'run.json'), '{"seed": 1}');
    await expect(readRunInfo(join(folder, 'run'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/readRunInfo: .*run\.json must tell of a run, got undefined for package/),
    });
  });
});
