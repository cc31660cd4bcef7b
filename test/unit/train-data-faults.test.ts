// Records at fault and threads that fail: found before training begins, named, counted, or left out where that is asked for.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { parseTrainConfig } from '../../train/config.js';
import { decodeRecord } from '../../train/data/decode.js';
import { DecodePool } from '../../train/data/decode-pool.js';
import type { TrainEvent } from '../../train/events.js';
import { openRunData, survey } from '../../train/run/run-data.js';
import type { Beginning } from '../../train/run/run-start.js';
import {
  batchesOf,
  COUNT,
  collect,
  compiled,
  config,
  copy,
  open,
  original,
  record,
  temporary,
  vocab,
  writeRecords,
} from './training-records.js';

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
