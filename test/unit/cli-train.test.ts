// `tmca train` around a run that trains nothing: what it asks for, what it shows, how it ends.

import { describe, expect, test } from 'vitest';
import type { Engine } from '../../cli/engine.js';
import { TmcaError } from '../../errors/index.js';
import type { TrainEvent } from '../../train/events.js';
import type { TrainOptions } from '../../train/run/options.js';
import { call, fakeEngine } from './cli-fakes.js';

/** A run that says `events` and gives the fake's result, or `error`. */
function engineThat(events: readonly TrainEvent[], error?: TmcaError): Engine & { asked?: TrainOptions } {
  const fake = fakeEngine();
  const engine: Engine & { asked?: TrainOptions } = {
    ...fake,
    async train(options) {
      engine.asked = options;
      for (const event of events) options.onEvent?.(event);
      if (error) throw error;
      return fake.train(options);
    },
  };
  return engine;
}

const train = (engine: Engine, ...more: string[]) => call(['train', '--data', 'd', '--out', 'o', ...more], { engine });

const summary = {
  ...{ out: 'o', model: 'nano', parameters: 5_100_000, trained: 900, records: 800, validationRecords: 100, batch: 16 },
  ...{ stepsPerEpoch: 50, steps: 5000, done: 0, textLength: 24, seed: 3, reason: 'a test asked for it', gpuBytes: 5e7 },
  adapter: { vendor: 'v', architecture: 'a', description: 'Card', software: false, features: [] },
};

describe('asks for', () => {
  test('what the options say', async () => {
    const engine = engineThat([]);
    const options = [
      '--config',
      'nano',
      '--init',
      'm',
      '--epochs',
      '3',
      '--batch',
      '4',
      '--lr',
      '1e-3',
      '--steps',
      '9',
    ];
    await train(engine, ...options, '--seed', '0', '--text', 'polyp', '--resume', '--skip-bad', '--device', 'webgpu');
    expect(engine.asked).toMatchObject({
      ...{ data: 'd', out: 'o', config: 'nano', init: 'm', epochs: 3, batch: 4, lr: 0.001, steps: 9, seed: 0 },
      textOverride: 'polyp',
      ...{ resume: true, skipBad: true, device: 'webgpu', signal: expect.any(AbortSignal) },
    });
  });

  test('nothing that was not said', async () => {
    const engine = engineThat([]);
    await train(engine);
    const { signal, onEvent, ...asked } = engine.asked!;
    expect(asked).toEqual({ data: 'd', out: 'o', device: 'auto' });
  });

  test.each<[string[], RegExp]>([
    [['--lr', '-1'], /'-1' is invalid\. It must be a number of at least 0/],
    [['--lr', 'fast'], /It must be a number of at least 0/],
    [['--epochs', '0'], /It must be a whole number of at least 1/],
    [['--batch', '1.5'], /It must be a whole number of at least 1/],
    [['--seed', 'x'], /It must be a whole number of at least 0/],
  ])('%s is bad usage', async (options, message) => {
    const { code, stderr } = await train(engineThat([]), ...options);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('shows', () => {
  const line = { kind: 'step' as const, step: 1, epoch: 0, loss: 1.5, images_per_second: 12.5 };
  const epoch = { kind: 'epoch' as const, step: 50, epoch: 0, loss: 1.25, val_dice: 0.5, val_iou: 0.25 };

  test('notes, the run and its epochs, each on a line', async () => {
    const { stderr } = await train(
      engineThat([
        { kind: 'note', text: 'something to know' },
        { kind: 'warning', text: 'something wrong' },
        { kind: 'prepare' },
        { kind: 'start', summary },
        { kind: 'step', line },
        { kind: 'epoch', line: epoch, best: true },
        { kind: 'epoch', line: { ...epoch, step: 60, epoch: 1, complete: 0 }, best: false },
      ]),
    );
    expect(stderr.split('\n')).toEqual(
      expect.arrayContaining([
        'note: something to know',
        'warning: something wrong',
        'nano: 0.9 k of 5.1 M parameters trained; 800 records, 100 to validate; batch 16, 50 steps an epoch, 5000 steps in all; seed 3',
        'a test asked for it; 50 MB on the device',
        'epoch 1, step 50: loss 1.2500, validation dice 0.5000, iou 0.2500, best so far',
        'epoch 2 (unfinished), step 60: loss 1.2500, validation dice 0.5000, iou 0.2500',
      ]),
    );
  });

  test('how it ended, in words or in JSON', async () => {
    const { stdout, code } = await train(engineThat([]));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^o: 8 steps, all epochs done\n {2}last {3}loss 0\.5000 {2}validation dice 0\.7500/);
    expect(stdout).toMatch(/best {3}validation dice 0\.8000, epoch 1/);
    const { json } = await train(engineThat([]), '--json');
    expect(json).toMatchObject({
      ...{ kind: 'epoch', step: 8, epoch: 1, loss: 0.5, val_dice: 0.75, val_iou: 0.6 },
      ...{ out: 'o', stopped: 'epochs', best: { step: 4, epoch: 0, score: 0.8 }, seed: 7, device: 'webgpu' },
    });
  });

  test('a report that cannot be made is a warning: the model is there', async () => {
    const { stderr, code, json } = await train(engineThat([]), '--json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: no report \[FILE_NOT_FOUND\]: .*; tmca report o makes it$/m);
    expect(json).toMatchObject({ report: null, test: null });
  });
});

test('an error ends it with its one line, after what was shown before', async () => {
  const error = new TmcaError('MODEL_NOT_FINITE', 'train: numbers, got NaN');
  const { code, stdout, stderr } = await train(engineThat([{ kind: 'start', summary }], error));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe('error [MODEL_NOT_FINITE]: train: numbers, got NaN');
  expect(stderr).toMatch(/^nano: /);
});

test('stopped by the user: exit status 130 and the line that says how to go on', async () => {
  const stop = new AbortController();
  const engine = engineThat([{ kind: 'start', summary }]);
  engine.train = async ({ signal }) => {
    stop.abort();
    expect(signal!.aborted).toBe(true);
    throw new TmcaError(
      'ABORTED',
      'train: stopped by its signal; step 3 is saved in o, go on with: tmca train --resume',
    );
  };
  const { code, stderr } = await call(['train', '--data', 'd', '--out', 'o'], { engine, signal: stop.signal });
  expect(code).toBe(130);
  expect(stderr).toMatch(
    /^error \[ABORTED\]: train: stopped by its signal; step 3 is saved in o, go on with: .*--resume$/m,
  );
});
