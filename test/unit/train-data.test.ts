// From files to batches, with real threads: the thread's script is compiled here, as the package's build compiles it.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadAssembly, Preprocessor } from '../../assembly/index.js';
import { readModelFiles } from '../../formats/model-folder/index.js';
import { decodeImage } from '../../node/images/image-files.js';
import { maskTarget, readMask } from '../../node/images/masks.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import type { AugmentSettings } from '../../train/batch/augment.js';
import {
  batchesOf,
  COUNT,
  collect,
  compiled,
  config,
  copy,
  off,
  open,
  original,
  record,
  vocab,
  words,
  writeRecords,
} from './training-records.js';

const augmented: AugmentSettings = {
  zoom: { probability: 0.5, min: 0.9, max: 1.2 },
  jitter: { probability: 0.5, brightness: 0.2, contrast: 0.2, saturation: 0.2 },
  flip: { probability: 0.5 },
  text: { none: 0, bare: 0, part: 0, wrong: 0, paraphrase: 0, synonyms: 0, typos: 0 },
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

  test('an epoch tells more or less of a picture, down to nothing', async () => {
    const text = { none: 0.3, bare: 0.2, part: 0, wrong: 0.2, paraphrase: 0, synonyms: 0, typos: 0 };
    const batches = await batchesOf({ augment: { ...off, text } }, 20);
    const seen = new Set(
      batches.flatMap(({ ids, mask, length, records }) =>
        records.map((_, i) =>
          ids!
            .subarray(i * length, (i + 1) * length)
            .filter((_, at) => mask![i * length + at])
            .join(),
        ),
      ),
    );
    const ids = (said: string[]) => [2, ...said.map(word => words.indexOf(word) + 4), 3].join();
    const whole = ['one', 'polyp', ',', 'in', 'the', 'left', 'of', 'the', 'image', '.'];
    const swapped = whole.map(word => (word === 'left' ? 'right' : word));
    // a sentence in other words than a caption's is told whole, or wrongly with its sides swapped
    expect([...seen].sort()).toEqual([[], ['polyp'], ['one', 'polyp'], whole, swapped].map(ids).sort());
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
