// From files to batches, with real threads: the thread's script is compiled here, as the package's build compiles it.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssembly, Preprocessor } from '../../assembly/index.js';
import { readModelFiles } from '../../formats/model-folder/index.js';
import { parseConfig } from '../../networks/config.js';
import { decodeImage } from '../../node/images/image-files.js';
import { maskTarget, readMask } from '../../node/images/masks.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import type { AugmentSettings } from '../../train/batch/augment.js';
import { parseTrainConfig } from '../../train/config.js';
import { decodeRecord } from '../../train/data/decode.js';
import { DecodePool } from '../../train/data/decode-pool.js';
import { type TrainingBatch, TrainingData, type TrainingDataOptions } from '../../train/data/index.js';
import type { TrainEvent } from '../../train/events.js';
import { randomOf } from '../../train/random.js';
import { openRunData, survey } from '../../train/run/run-data.js';
import type { Beginning } from '../../train/run/run-start.js';
import { type Bundle, bundle } from './train-bundle.js';

const COUNT = 7;
const words = ['one', 'polyp', 'in', 'the', 'left', 'right', 'of', 'image', ',', '.'];
const vocab = new TextEncoder().encode(`${['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...words].join('\n')}\n`);
const config = parseConfig({ image_size: 32, vocab_size: words.length + 4, max_text_length: 20, name: 'data' }, 'test');
const off: AugmentSettings = {
  zoom: { probability: 0, min: 1, max: 1 },
  jitter: { probability: 0, brightness: 0, contrast: 0, saturation: 0 },
  flip: { probability: 0 },
};

let compiled: Bundle;
let original: string;
const made: string[] = [];
const temporary = async () => {
  made.push(await mkdtemp(join(tmpdir(), 'tmca-train-')));
  return made.at(-1)!;
};

/** Noise of a seed, with a rectangle for a mask. Sizes differ from record to record. */
async function writePair(folder: string, i: number): Promise<void> {
  const [width, height] = [40 + 9 * i, 33 + 5 * i];
  const random = randomOf('picture', i);
  const rgb = Buffer.from(Array.from({ length: width * height * 3 }, () => random.below(256)));
  const raw = (channels: 1 | 3) => ({ raw: { width, height, channels } });
  await sharp(rgb, raw(3))
    .png()
    .toFile(join(folder, `images/r${i}.png`));
  const mask = Buffer.alloc(width * height);
  for (let y = 4; y < 20 + i; y++) mask.fill(255, y * width + 3 + i, y * width + 24);
  await sharp(mask, raw(1))
    .png()
    .toFile(join(folder, `masks/r${i}.png`));
}

const record = (i: number, more: object = {}) => ({
  id: `r${i}`,
  image: `images/r${i}.png`,
  mask: `masks/r${i}.png`,
  split: 'train',
  text: i % 2 ? 'one polyp, in the left of the image.' : 'one polyp',
  ...more,
});
const writeRecords = (folder: string, records: object[]) =>
  writeFile(join(folder, 'dataset.json'), JSON.stringify({ records }));

beforeAll(async () => {
  original = await temporary();
  for (const name of ['images', 'masks']) await mkdir(join(original, name));
  for (let i = 0; i < COUNT; i++) await writePair(original, i);
  await writeRecords(
    original,
    Array.from({ length: COUNT }, (_, i) => record(i)),
  );
  compiled = await bundle({ data: 'train/data/index.ts', 'decode-worker': 'train/data/decode-worker.ts' });
});
afterAll(async () => {
  await compiled.remove();
  for (const folder of made) await rm(folder, { recursive: true });
});

/** A copy of the data set to spoil. */
async function copy(): Promise<string> {
  const folder = await temporary();
  await cp(original, folder, { recursive: true });
  return folder;
}

const open = (folder: string, more: Partial<TrainingDataOptions> = {}) =>
  TrainingData.open(folder, {
    split: 'train',
    config,
    vocab,
    batch: 2,
    seed: 5,
    augment: off,
    threads: 1,
    script: compiled.url('decode-worker'),
    ...more,
  });

async function collect(data: TrainingData, epoch: number, from?: number): Promise<TrainingBatch[]> {
  const batches: TrainingBatch[] = [];
  for await (const batch of data.epoch(epoch, from === undefined ? {} : { from })) batches.push(batch);
  return batches;
}

/** All batches of the first epochs. */
async function batchesOf(more: Partial<TrainingDataOptions>, epochs = 2): Promise<TrainingBatch[]> {
  const data = await open(original, more);
  try {
    const all: TrainingBatch[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) all.push(...(await collect(data, epoch)));
    return all;
  } finally {
    await data.dispose();
  }
}

const augmented: AugmentSettings = {
  zoom: { probability: 0.5, min: 0.9, max: 1.2 },
  jitter: { probability: 0.5, brightness: 0.2, contrast: 0.2, saturation: 0.2 },
  flip: { probability: 0.5 },
};

describe('batches', () => {
  test('for evaluation: every record once, in order, with the numbers of inference', async () => {
    const batches = await batchesOf({ augment: null, batch: 3 }, 1);
    expect(batches.map(({ records }) => records)).toEqual([['r0', 'r1', 'r2'], ['r3', 'r4', 'r5'], ['r6']]);
    const assembly = await loadAssembly();
    using preprocessor = new Preprocessor(assembly, { size: 32, normalize: 'zscore' });
    for (let i = 0; i < COUNT; i++) {
      const [{ image, target }, at] = [batches[Math.floor(i / 3)]!, i % 3];
      const { pixels, shape } = await decodeImage(join(original, `images/r${i}.png`));
      expect(image.subarray(at * 3072, (at + 1) * 3072)).toEqual(preprocessor.run(pixels));
      const mask = maskTarget(await readMask(join(original, `masks/r${i}.png`), shape), 32);
      expect(target.subarray(at * 1024, (at + 1) * 1024)).toEqual(Float32Array.from(mask));
      expect(mask.some(value => value === 1)).toBe(true);
    }
  });

  test('sentences are padded to the least length that holds the longest of the batch', async () => {
    const [batch] = await batchesOf({ augment: null, batch: 2 }, 1);
    expect(batch!.length).toBe(16);
    const id = (word: string) => 4 + words.indexOf(word);
    const row = ['one', 'polyp', ',', 'in', 'the', 'left', 'of', 'the', 'image', '.'].map(id);
    expect([...batch!.ids!.subarray(0, 16)]).toEqual([2, id('one'), id('polyp'), 3, ...new Array(12).fill(0)]);
    expect([...batch!.ids!.subarray(16)]).toEqual([2, ...row, 3, 0, 0, 0, 0]);
    expect([...batch!.mask!]).toEqual([...batch!.ids!].map(Math.sign));
  });

  test('the same seed gives the same, whatever the threads, the cache and the batches made ahead', async () => {
    const reference = await batchesOf({ augment: augmented });
    expect(reference).toHaveLength(6);
    const settings = [
      { threads: 2, prefetch: 0, cacheBytes: 0 },
      { threads: 3, prefetch: 4, cacheBytes: 3 * 32 * 32 * 4 },
    ];
    for (const more of settings) expect(await batchesOf({ augment: augmented, ...more })).toEqual(reference);
    expect(await batchesOf({ augment: augmented, seed: 6 }, 1)).not.toEqual(reference.slice(0, 3));
  });

  test('an epoch has its own order, no record twice, and begins where it is told to', async () => {
    const data = await open(original);
    const first = await collect(data, 0);
    expect([data.batches, first.length, data.cached]).toEqual([3, 3, COUNT]);
    const ids = first.flatMap(({ records }) => records);
    expect(new Set(ids).size).toBe(6);
    expect((await collect(data, 1)).flatMap(({ records }) => records)).not.toEqual(ids);
    expect(await collect(data, 0, 2)).toEqual(first.slice(2));
    expect(await collect(data, 0, 3)).toEqual([]);
    await data.dispose();
    await data.dispose();
  });

  test('a mirrored picture gets the mirrored sentence', async () => {
    const plain = await batchesOf({ augment: null, batch: 1 }, 1);
    const mirrored = await batchesOf({ augment: { ...off, flip: { probability: 1 } }, batch: 1 }, 1);
    const one = mirrored.find(({ records }) => records[0] === 'r1')!;
    const swap = [4 + words.indexOf('left'), 4 + words.indexOf('right')];
    expect(plain[1]!.ids!).toContain(swap[0]);
    expect([...one.ids!]).toEqual([...plain[1]!.ids!].map(id => (id === swap[0] ? swap[1] : id)));
    const row = plain[1]!.target.subarray(320, 352);
    expect(new Set(row).size).toBe(2);
    expect(one.target.subarray(320, 352)).toEqual(row.slice().reverse());
  });

  test('one text takes the place of all', async () => {
    const batches = await batchesOf({ augment: null, batch: 1, reading: { text: 'polyp' } }, 1);
    const id = 4 + words.indexOf('polyp');
    for (const { ids } of batches) expect([...ids!].filter(Boolean)).toEqual([2, id, 3]);
  });

  test('in a build, threads find their script beside the code that starts them', async () => {
    // plain Node, because the test runner would run the compiled file through its own transformation
    const options = { split: 'train', config, batch: COUNT, seed: 5, augment: null };
    const code = `
      import { TrainingData } from ${JSON.stringify(compiled.url('data').href)};
      const vocab = Buffer.from(${JSON.stringify(Buffer.from(vocab).toString('base64'))}, 'base64');
      const data = await TrainingData.open(${JSON.stringify(original)}, { ...${JSON.stringify(options)}, vocab });
      for await (const { image } of data.epoch(0)) process.stdout.write(Buffer.from(image.buffer));
      // no dispose: idle threads must not keep a process alive
    `;
    const node = promisify(execFile);
    const argv = ['--input-type=module', '--eval', code];
    const { stdout } = await node(process.execPath, argv, { encoding: 'buffer' });
    const [batch] = await batchesOf({ augment: null, batch: COUNT }, 1);
    expect(stdout.equals(Buffer.from(batch!.image.buffer))).toBe(true);
  });

  test('sentences that are cut are named', async () => {
    const folder = await copy();
    await writeRecords(folder, [record(0, { text: 'polyp '.repeat(30) }), record(1)]);
    const data = await open(folder);
    expect(data.truncated).toEqual(['r0']);
    const [batch] = await collect(data, 0);
    expect(batch!.length).toBe(20);
    await data.dispose();
  });
});

/** Published images at their original sizes; not ours to copy. */
const kvasir = '../shared/data/kvasir-seg-original';
test.skipIf(!existsSync(kvasir))(
  'Kvasir-SEG as published is without fault (skipped where ../shared is not)',
  async () => {
    const file = await readFile('models/nano/vocab.txt');
    const { config: nano } = await readModelFiles('models/nano', nodeIo);
    const data = await open(kvasir, { split: 'test', config: nano, vocab: file, augment: null, batch: 16 });
    const [batch] = await collect(data, 0);
    expect([batch!.records.length, data.truncated, data.skipped]).toEqual([16, [], []]);
    // zscore: every channel of every picture has mean 0
    const red = batch!.image.subarray(0, 128 * 128 * 3).filter((_, i) => i % 3 === 0);
    expect(Math.abs(red.reduce((a, b) => a + b) / red.length)).toBeLessThan(1e-3);
    for (let i = 0; i < 16; i++) expect(batch!.target.subarray(i * 128 * 128, (i + 1) * 128 * 128)).toContain(1);
    await data.dispose();
  },
);

describe('faults', () => {
  /** Records 0 to 4 each spoiled in a way of its own. */
  async function spoil(): Promise<string> {
    const folder = await copy();
    const mask = (i: number) => join(folder, `masks/r${i}.png`);
    const plain = (width: number, height: number, value: number) =>
      sharp({ create: { width, height, channels: 3, background: { r: value, g: value, b: value } } }).png();
    await plain(39, 33, 255).toFile(mask(0));
    await plain(49, 38, 1).toFile(mask(1));
    await plain(58, 43, 128).toFile(mask(2));
    await writeFile(join(folder, 'images/r3.png'), 'no image');
    await writeFile(mask(4), '');
    return folder;
  }
  const reasons = [
    /got an image of 40 x 33 and a mask of 39 x 33/,
    /got the value 1 everywhere/,
    /got the value 128 everywhere/,
    /images\/r3\.png must be a whole image/,
    /must be an image file, got 0 bytes/,
  ];

  test('none, but masks of 0 and 1, and one without a lesion: read, and told', async () => {
    const folder = await copy();
    const ones = await sharp(join(folder, 'masks/r1.png'))
      .toColourspace('b-w')
      .linear(1 / 255)
      .png()
      .toBuffer();
    await writeFile(join(folder, 'masks/r1.png'), ones);
    const black = { create: { width: 58, height: 43, channels: 3, background: '#000' } } as const;
    await sharp(black).png().toFile(join(folder, 'masks/r2.png'));
    const [spoiled, whole] = [
      await open(folder, { augment: null, batch: 1 }),
      await batchesOf({ augment: null, batch: 1 }, 1),
    ];
    expect(spoiled.notes).toEqual([
      `${join(folder, 'masks/r1.png')}: its values are 0 to 1, not to 255: 1 is read as the lesion`,
      '1 of 7 masks are empty: they mark no lesion',
    ]);
    const batches = await collect(spoiled, 0);
    expect(batches[1]!.target).toEqual(whole[1]!.target);
    expect(batches[2]!.target).not.toContain(1);
    await spoiled.dispose();
  });

  test('none, but no mask of the split marks a lesion: a warning of the run', async () => {
    const folder = await copy();
    await writeRecords(folder, [record(0), record(1)]);
    for (const i of [0, 1]) {
      const { width, height } = await sharp(join(folder, `images/r${i}.png`)).metadata();
      const black = { create: { width, height, channels: 3, background: '#000' } } as const;
      await sharp(black)
        .png()
        .toFile(join(folder, `masks/r${i}.png`));
    }
    const events: TrainEvent[] = [];
    const beginning = {
      config: parseTrainConfig({ batch: 2, seed: 1 }, 'test'),
      network: config,
      vocab,
      checkpoint: null,
    };
    const options = { data: folder, out: 'unused', workerScript: compiled.url('decode-worker') };
    const data = await openRunData(
      options,
      beginning as unknown as Beginning,
      await survey({ data: folder, out: '' }),
      event => events.push(event),
    );
    expect(events).toContainEqual({
      kind: 'warning',
      text: 'train: none of 2 masks marks a lesion, so they cannot show whether lesions are found',
    });
    await data.dispose();
  });

  test('are fatal, named and counted', async () => {
    const error = await open(await spoil()).catch(e => e);
    expect(error).toMatchObject({ code: 'DATASET_INVALID' });
    expect(error.message).toMatch(
      /got 5 of 7 records of .* at fault: "r0" \(readMask: a mask must have.*"r4" \(.*--skip-bad$/s,
    );
    expect(error.message).not.toContain('more;');
  });

  test('are left out and told where that is asked for', async () => {
    const folder = await spoil();
    const records = Array.from({ length: COUNT }, (_, i) => record(i));
    await writeRecords(folder, [...records, record(9), record(8, { image: 'images/r0.png', text: ' ' })]);
    const data = await open(folder, { skipBad: true });
    expect(data.records.map(({ id }) => id)).toEqual(['r5', 'r6']);
    expect(data.skipped.map(({ id }) => id)).toEqual(['"r8"', '"r9"', '"r0"', '"r1"', '"r2"', '"r3"', '"r4"']);
    for (const [i, reason] of reasons.entries()) expect(data.skipped[2 + i]!.fault).toMatch(reason);
    expect(await collect(data, 0)).toHaveLength(1);
    await data.dispose();
  });

  test('nothing left, or less than a batch, is an error all the same', async () => {
    const folder = await spoil();
    await writeRecords(folder, [record(0)]);
    await expect(open(folder, { skipBad: true })).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await writeRecords(folder, [record(5)]);
    await expect(open(folder)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/batch must be at most the number of records, got 2 and 1 in "train"; lower it/),
    });
  });

  test('a file that changes after it was checked is named', async () => {
    const folder = await copy();
    const data = await open(folder, { cacheBytes: 0 });
    await writeFile(join(folder, 'images/r2.png'), '');
    await expect(collect(data, 0).then(() => collect(data, 1))).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(/the files of "r2" must stay as they were checked/),
    });
    await data.dispose();
  });

  test('a signal stops the checks and an epoch', async () => {
    await expect(open(original, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    const data = await open(original);
    const stop = new AbortController();
    const epoch = data.epoch(0, { signal: stop.signal });
    await epoch.next();
    stop.abort();
    await expect(epoch.next()).rejects.toMatchObject({ code: 'ABORTED' });
    await data.dispose();
  });
});

describe('threads', () => {
  const job = (i: number) => ({
    id: `r${i}`,
    image: join(original, `images/r${i}.png`),
    mask: join(original, `masks/r${i}.png`),
    size: 32,
  });

  test('give what the same code gives here, to the one who asked', async () => {
    const pool = new DecodePool({ threads: 2, script: compiled.url('decode-worker') });
    const jobs = Array.from({ length: 20 }, (_, i) => job((i * 5) % COUNT));
    const decoded = await Promise.all(jobs.map(each => pool.decode(each)));
    for (const [i, each] of jobs.entries()) expect(decoded[i]).toEqual(await decodeRecord(each));
    await pool.dispose();
    await expect(pool.decode(job(0))).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  /** A thread's script in plain JavaScript. */
  async function scriptOf(source: string): Promise<URL> {
    const path = join(await temporary(), 'worker.mjs');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `import { parentPort } from 'node:worker_threads';\n${source}`);
    return pathToFileURL(path);
  }

  test.each<[string, string, string, RegExp]>([
    ['throws at its start', 'throw new Error("no start")', 'WORKER_FAILED', /must start, got no start; install again/],
    ['ends at its start', 'process.exit(3)', 'WORKER_FAILED', /must start, got exit code 3/],
    [
      'dies at its second job',
      'let n = 0; parentPort.on("message", () => n++ ? process.exit(9) : parentPort.postMessage({ result: {} }))',
      'WORKER_DIED',
      /a thread must live, got exit code 9 at record "r2", .*r2\.png; look at its files/,
    ],
    [
      'answers with an error',
      'parentPort.on("message", () => parentPort.postMessage({ code: "OUT_OF_MEMORY", message: "full" }))',
      'OUT_OF_MEMORY',
      /^full \(record "r2", .*r2\.png\)$/,
    ],
  ])('one that %s rejects what waits', async (_, source, code, message) => {
    const pool = new DecodePool({ threads: 1, script: await scriptOf(source) });
    const results = await Promise.allSettled([pool.decode(job(1)), pool.decode(job(2)), pool.decode(job(3))]);
    const last = results[1] as PromiseRejectedResult;
    expect(last.reason).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(results[2]!.status).toBe('rejected');
    await pool.dispose();
  });

  test('numbers that would wait for ever are refused', async () => {
    for (const threads of [0, -1, 1.5, Number.NaN]) {
      expect(() => new DecodePool({ threads })).toThrow(/threads must be an integer of at least 1, got/);
    }
    for (const more of [{ batch: 0 }, { batch: 1.5 }, { prefetch: -1 }]) {
      await expect(open(original, more)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    }
  });

  test('a script that is not there is an error, and so is dispose for what waits', async () => {
    const missing = new DecodePool({ threads: 1, script: compiled.url('none') });
    await expect(missing.decode(job(0))).rejects.toMatchObject({ code: 'WORKER_FAILED' });
    const pool = new DecodePool({ threads: 1, script: await scriptOf('parentPort.on("message", () => {})') });
    const waiting = Promise.allSettled([pool.decode(job(0)), pool.decode(job(1))]);
    await pool.dispose();
    for (const result of await waiting) expect(result).toMatchObject({ reason: { code: 'DISPOSED' } });
  });
});
