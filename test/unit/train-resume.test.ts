// A resumed run is the run that began: other settings, sentences, images or masks are refused by name.

import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { trainConfigToJson } from '../../train/config.js';
import { TrainingData } from '../../train/data/index.js';
import type { TrainEvent } from '../../train/events.js';
import type { TrainOptions } from '../../train/run/options.js';
import { changesBetween, digestOf, type RecordPrints, writePrints } from '../../train/run/record-prints.js';
import { openRunData, survey } from '../../train/run/run-data.js';
import { ASKED_KEY, type Beginning, begin, DATA_KEY } from '../../train/run/run-start.js';
import { tinyConfig, writeTrainSet } from '../train-set.js';
import { type Bundle, bundle } from './train-bundle.js';

let folder: string;
let data: string;
let options: TrainOptions;
let compiled: Bundle;
beforeAll(async () => {
  compiled = await bundle({ 'decode-worker': 'train/data/decode-worker.ts' });
});
afterAll(() => compiled.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-resume-'));
  data = join(folder, 'data');
  await writeTrainSet(data, { train: 4, val: 2 });
  const config = tinyConfig(join(data, 'vocab.txt'));
  options = { data, out: join(folder, 'run'), config, workerScript: compiled.url('decode-worker') };
});
afterEach(() => rm(folder, { recursive: true }));

const by = 'tmca-edge@0.0.0-test';

/** Saves a first checkpoint of a run, with these settings and that digest of its data. */
async function saveRun(beginning: Beginning, digest: string): Promise<void> {
  const { run, network, vocab, config } = beginning;
  const saved = { ...trainConfigToJson(config), [DATA_KEY]: digest, [ASKED_KEY]: beginning.asked };
  const state = { step: 1, epoch: 0, batch: 1, seed: 0, rng: null, best: null, epochsSinceBest: 0, config: saved };
  await run.save({ config: network, vocab, weights: [], optimizer: [], state });
}

describe('settings', () => {
  const longText = `${'one small disc that lies somewhere in the image '.repeat(4)}left`;
  const changes: [string, (config: ReturnType<typeof tinyConfig>) => object, RegExp][] = [
    [
      'augment.flip, far behind in its object',
      c => ({ augment: { ...c.augment, flip: { probability: 0 } } }),
      /got augment\.flip\.probability 0 where the run has 0\.5/,
    ],
    [
      'the end of a long text_override',
      () => ({ text_override: longText.replace(/left$/, 'right') }),
      /got text_override "….{15,30}right" where the run has "….{15,30}left"/,
    ],
    [
      'a number far behind',
      c => ({ model: { ...c.model, head_channels: 8 } }),
      /got model\.head_channels 8 where the run has 4/,
    ],
  ];
  test.each(changes)('%s', async (_, change, message) => {
    const config = { ...tinyConfig(join(data, 'vocab.txt')), text_override: longText };
    await saveRun(await begin({ ...options, config }, by), 'pixels:0');
    const again = (given: Readonly<Record<string, unknown>>) => begin({ ...options, config: given, resume: true }, by);
    await expect(again({ ...config, ...change(config) })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
    // in another order they are the same
    const reversed = Object.fromEntries(Object.entries(config).reverse());
    expect((await again(reversed)).checkpoint?.state.step).toBe(1);
    // what a file may not change, since it would be ignored
    await expect(again({ ...config, epochs: 99 })).rejects.toThrow(/got epochs 99 where the run has 10/);
  });

  test('a long --text given again is compared whole', async () => {
    await saveRun(await begin({ ...options, textOverride: longText }, by), 'pixels:0');
    const again = (textOverride: string) => begin({ ...options, config: undefined, textOverride, resume: true }, by);
    await expect(again(`${longText}.`)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect((await again(longText)).config.textOverride).toBe(longText);
  });
});

describe('records', () => {
  const notes: string[] = [];
  const emit = (event: TrainEvent) => void (event.kind === 'note' && notes.push(event.text));
  const open = async (resume: boolean) => {
    const beginning = await begin({ ...options, resume }, by);
    const opened = await openRunData(options, beginning, await survey(options), emit);
    await opened.dispose();
    return { beginning, opened };
  };
  const first = async () => {
    const { beginning, opened } = await open(false);
    await saveRun(beginning, opened.digest);
    await writePrints(options.out, opened.prints);
    return opened;
  };
  const repaint = (name: string) =>
    sharp(join(data, name))
      .negate()
      .toBuffer()
      .then(bytes => writeFile(join(data, name), bytes));
  const edit = async (change: (text: string) => string) => {
    const path = join(data, 'dataset.json');
    await writeFile(path, change(await readFile(path, 'utf8')));
  };

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['a mask', () => repaint('train-1.mask.png'), /got another mask of "train-1" in /],
    ['an image', () => repaint('train-2.png'), /got another image of "train-2" in /],
    ['a mask that validates', () => repaint('val-1.mask.png'), /got another mask of "val-1" in /],
    [
      'a sentence that validates',
      () => edit(text => text.replace(/("id":"val-0".*?"text":")one /, '$1two ')),
      /got another text of "val-0" in /,
    ],
    [
      'many',
      () => Promise.all([0, 1, 2, 3].map(i => repaint(`train-${i}.png`))),
      /another image of "train-2" and 1 more in /,
    ],
    [
      'a record less',
      () => edit(text => text.replace(/,\{"id":"train-3".*?\}/, '')),
      /got no record "train-3" in "train" in /,
    ],
  ])('%s that changed', async (_, change, message) => {
    await first();
    await change();
    await expect(open(true)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
  });

  test('files that are touched, or packed anew without loss, are the same', async () => {
    const { digest } = await first();
    const path = join(data, 'train-0.png');
    await utimes(path, 1, 1);
    await writeFile(path, await sharp(path).png({ compressionLevel: 1 }).toBuffer());
    expect((await open(true)).opened.digest).toBe(digest);
  });

  test('without records.json the change is refused all the same', async () => {
    await first();
    await rm(join(options.out, 'records.json'));
    await repaint('train-1.mask.png');
    await expect(open(true)).rejects.toMatchObject({ message: expect.stringMatching(/cannot be named/) });
  });

  test('a checkpoint of an earlier version is taken, with a note', async () => {
    const { beginning } = await open(false);
    await saveRun(beginning, '0123456789abcdef');
    notes.length = 0;
    await open(true);
    expect(notes.join()).toMatch(/kept no prints of its pictures/);
  });

  test('a picture that changes while a run goes on', async () => {
    const { config, network, vocab } = await begin(options, by);
    const { augment, batch, seed } = config;
    // nothing is kept, so that everything is decoded again
    const opened = await TrainingData.open(data, {
      ...{ split: 'train', config: network, vocab, batch, seed, augment, cacheBytes: 0 },
      script: compiled.url('decode-worker'),
    });
    try {
      for await (const _ of opened.epoch(0));
      await repaint('train-1.mask.png');
      const second = async () => {
        for await (const _ of opened.epoch(1));
      };
      await expect(second()).rejects.toMatchObject({
        code: 'DATASET_INVALID',
        message: expect.stringMatching(/the files of "train-1" must stay as they were checked, got another mask/),
      });
    } finally {
      await opened.dispose();
    }
  });

  test('another order is another run', () => {
    const a: RecordPrints = {
      train: [
        ['a', '1', '2', '3'],
        ['b', '1', '2', '3'],
      ],
    };
    const b = { train: [...a.train!].reverse() };
    expect(digestOf(a)).not.toBe(digestOf(b));
    expect(changesBetween(a, b)).toEqual([]);
  });
});
