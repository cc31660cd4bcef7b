// The order of a training run, with steps that compute nothing and files that are lists.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Evaluation } from '../../assembly/index.js';
import { TmcaError } from '../../errors/index.js';
import { parseTrainConfig, type TrainConfig } from '../../train/config.js';
import type { TrainEvent } from '../../train/events.js';
import { type LoopParts, reasonToStop, runLoop } from '../../train/loop.js';
import type { MetricsLine, TrainState } from '../../train/run-files/index.js';
import { learningRate } from '../../train/schedule.js';
import type { Batch } from '../../train/step/step.js';

/** Everything that happened, in order: `step 3 lr weight`, `validate`, `publish`, `log epoch 3`, `save 3/1.0` (step/epoch.batch). */
let order: string[];
let lines: MetricsLine[];
let saved: TrainState[];
let events: TrainEvent[];
beforeEach(() => {
  [order, lines, saved, events] = [[], [], [], []];
});

const START: TrainState = {
  ...{ step: 0, epoch: 0, batch: 0, seed: 0, rng: null, best: null, epochsSinceBest: 0, config: {} },
};
const BATCHES = 3;
const NOTHING = {
  image: new Float32Array(),
  ids: new Int32Array(),
  mask: new Int32Array(),
  target: new Float32Array(),
};

const scoresOf = (dice: number): Evaluation => ({ n: 1, dice, iou: dice / 2, accuracy: 1, meanDice: dice, meanIou: 0 });

interface Fake {
  /** Validation Dice of each epoch; null: no validation. */
  readonly dice?: readonly number[] | null;
  readonly lastStep?: number;
  readonly signal?: AbortSignal;
  /** Runs before a step, by its number from 1. */
  readonly before?: (step: number) => void;
}

/** A network with a loss across the batch, as the loop sees it. */
const network = {
  lossNames: ['segmentation', 'contrastive'],
  scalars: { contrastiveWeight: 0.5 },
  scalarKeys: { contrastiveWeight: 'contrastive_weight' },
};

function fake(json: object, { dice = [0.5, 0.6, 0.7], lastStep, signal, before }: Fake = {}): LoopParts {
  const config: TrainConfig = parseTrainConfig({ epochs: 3, batch: 2, ...json }, 'test');
  const scores = [...(dice ?? [])];
  let steps = 0;
  return {
    ...{ config, batches: BATCHES, totalSteps: 9, lastStep: lastStep ?? 9, network, signal },
    async *epoch(epoch, from) {
      for (let i = from; i < BATCHES; i++) {
        order.push(`batch ${epoch}.${i}`);
        yield NOTHING as Batch;
      }
    },
    async step(_, { lr, scalars }) {
      steps++;
      before?.(steps);
      order.push(`step ${lr.toPrecision(3)} ${scalars?.contrastiveWeight}`);
      return { loss: steps, segmentation: 2 * steps, contrastive: 3 * steps, gradientNorm: 4 * steps };
    },
    validate:
      dice &&
      (async () => {
        order.push('validate');
        return scoresOf(scores.shift()!);
      }),
    async log(line) {
      order.push(`log ${line.kind} ${line.step}`);
      lines.push(line);
    },
    async save(state) {
      order.push(`save ${state.step}/${state.epoch}.${state.batch}`);
      saved.push(state);
      return `checkpoint-${saved.length}`;
    },
    publish: async () => void order.push('publish'),
    emit: event => void events.push(event),
  };
}

const steps = () => lines.filter(({ kind }) => kind === 'step');
const epochs = () => lines.filter(({ kind }) => kind === 'epoch');

test('an epoch: steps with their lines, then validation, the model, its line, a checkpoint', async () => {
  await runLoop(fake({ epochs: 1, lr: 0.5, min_lr: 0.5 }), START);
  const step = (n: number) => ['step 0.500 0.5', `log step ${n + 1}`];
  const end = ['validate', 'publish', 'log epoch 3', 'save 3/1.0'];
  expect(order.filter(what => !what.startsWith('batch'))).toEqual(['save 0/0.0', ...[0, 1, 2].flatMap(step), ...end]);
  expect(order.filter(what => what.startsWith('batch'))).toEqual(['batch 0.0', 'batch 0.1', 'batch 0.2']);
});

test('the next batch is made while a step runs, and none beyond the last step', async () => {
  const parts = fake({}, { lastStep: 5 });
  const step: LoopParts['step'] = async (batch, settings) => {
    const result = parts.step(batch, settings);
    // a device takes at least a turn of the event loop
    await new Promise(resolve => setImmediate(resolve));
    return result;
  };
  await runLoop({ ...parts, step }, START);
  const [first, second] = ['log step 1', 'batch 0.1'].map(what => order.indexOf(what));
  expect(second).toBeLessThan(first!);
  expect(order.filter(what => what.startsWith('batch'))).toHaveLength(5);
});

test('lines and events say the same; an epoch has the means of its steps and the scores', async () => {
  const { last, stopped } = await runLoop(fake({ epochs: 2 }), START);
  expect(stopped).toBe('epochs');
  expect(lines.map(({ kind, step, epoch }) => `${kind} ${step} ${epoch}`)).toEqual([
    'step 1 0',
    'step 2 0',
    'step 3 0',
    'epoch 3 0',
    'step 4 1',
    'step 5 1',
    'step 6 1',
    'epoch 6 1',
  ]);
  expect(lines[1]).toMatchObject({
    loss: 2,
    segmentation: 4,
    contrastive: 6,
    gradient_norm: 8,
    contrastive_weight: 0.5,
  });
  expect(epochs()[0]).toMatchObject({ loss: 2, segmentation: 4, contrastive: 6, val_dice: 0.5, val_iou: 0.25 });
  expect(epochs()[1]).toMatchObject({ loss: 5, val_dice: 0.6 });
  expect(last).toEqual(epochs()[1]);
  expect(events.flatMap(e => (e.kind === 'step' || e.kind === 'epoch' ? [e.line] : []))).toEqual(lines);
});

test('rates follow the schedule, the contrastive weight its warm-up', async () => {
  const parts = fake({ lr: 1, min_lr: 0.1, warmup_steps: 2, contrastive_warmup_steps: 4 });
  await runLoop(parts, START);
  const schedule = { lr: 1, minLr: 0.1, warmupSteps: 2, totalSteps: 9 };
  expect(steps().map(({ lr }) => lr)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map(i => learningRate(i, schedule)));
  expect(steps().map(line => line.contrastive_weight)).toEqual([0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5]);
});

test('only a better model is published, and the state knows which was best', async () => {
  const { state } = await runLoop(fake({}, { dice: [0.6, 0.6, 0.7] }), START);
  expect(order.filter(what => what === 'publish')).toHaveLength(2);
  expect(state.best).toEqual({ step: 9, epoch: 2, score: 0.7 });
  expect(events.flatMap(e => (e.kind === 'epoch' ? [e.best] : []))).toEqual([true, false, true]);
  expect(saved.map(({ epochsSinceBest }) => epochsSinceBest)).toEqual([0, 0, 1, 0]);
});

test('without validation the last weights are the model', async () => {
  const { state, last } = await runLoop(fake({ patience: 1, min_epochs: 0 }, { dice: null }), START);
  expect(order.filter(what => what === 'publish')).toHaveLength(3);
  expect(state).toMatchObject({ step: 9, epoch: 3, best: null, epochsSinceBest: 0 });
  expect(last).not.toHaveProperty('val_dice');
});

describe('the end', () => {
  test('patience: so many epochs without a better score, but not before min_epochs', async () => {
    const few = { epochs: 3, patience: 1 };
    const dice = [0.5, 0.4, 0.3];
    const early = await runLoop(fake({ ...few, min_epochs: 0 }, { dice }), START);
    expect([early.stopped, early.state.epoch]).toEqual(['patience', 2]);
    const late = await runLoop(fake({ ...few, min_epochs: 3 }, { dice }), START);
    expect([late.stopped, late.state.epoch]).toEqual(['patience', 3]);
    const never = await runLoop(fake({ ...few, patience: 0 }, { dice }), START);
    expect([never.stopped, never.state.epoch]).toEqual(['epochs', 3]);
  });

  test('a run that ended goes no further', async () => {
    const config = parseTrainConfig({ epochs: 3, patience: 2, min_epochs: 2 }, 'test');
    const at = (more: Partial<TrainState>) => reasonToStop({ ...START, ...more }, config, 7);
    expect(at({ step: 6, epoch: 2 })).toBeNull();
    expect(at({ step: 6, epoch: 2, epochsSinceBest: 2 })).toBe('patience');
    expect(at({ step: 9, epoch: 3 })).toBe('epochs');
    expect(at({ step: 7, epoch: 2, batch: 1 })).toBe('steps');
    const { stopped } = await runLoop(fake({}), { ...START, step: 9, epoch: 3 }, { saved: true });
    expect([stopped, order]).toEqual(['epochs', []]);
  });

  test('in the middle of an epoch: the checkpoint first, then scores that it knows nothing of', async () => {
    const { last, state, stopped } = await runLoop(fake({}, { lastStep: 4 }), START);
    expect(stopped).toBe('steps');
    expect(order.slice(-5)).toEqual(['log step 4', 'save 4/1.1', 'validate', 'publish', 'log epoch 4']);
    expect(last).toMatchObject({ kind: 'epoch', step: 4, epoch: 1, loss: 4, complete: 0, val_dice: 0.6 });
    expect(state.best).toEqual({ step: 3, epoch: 0, score: 0.5 });
  });

  test('at the end of an epoch that epoch is like any other', async () => {
    const { last } = await runLoop(fake({}, { lastStep: 3 }), START);
    expect(last).not.toHaveProperty('complete');
    expect(order.filter(what => what === 'validate')).toHaveLength(1);
  });
});

describe('going on', () => {
  test('from any checkpoint: the steps, lines and state of a run without the break', async () => {
    await runLoop(fake({ checkpoint_steps: 1 }), START);
    const whole = { steps: steps().map(({ images_per_second: _, ...line }) => line), saved: [...saved] };
    for (const state of whole.saved) {
      [order, lines, saved] = [[], [], []];
      const left = [0.5, 0.6, 0.7].slice(state.epoch);
      const parts = fake({ checkpoint_steps: 1 }, { dice: left });
      const { state: end } = await runLoop(parts, state, { saved: true });
      expect(end).toEqual(whole.saved.at(-1));
      expect(order[0] ?? 'nothing').toBe(state.epoch < 3 ? `batch ${state.epoch}.${state.batch}` : 'nothing');
      expect(steps().map(({ step, epoch, lr }) => ({ step, epoch, lr }))).toEqual(
        whole.steps.slice(state.step).map(({ step, epoch, lr }) => ({ step, epoch, lr })),
      );
    }
  });

  test("the epoch's means count the steps of the process before", async () => {
    const step = { kind: 'step', segmentation: 0, contrastive: 0 } as const;
    const earlier: MetricsLine[] = [
      { ...step, step: 3, epoch: 0, loss: 1000 },
      { ...step, step: 4, epoch: 1, loss: 7 },
      { ...step, step: 5, epoch: 1, loss: 10 },
    ];
    await runLoop(fake({ epochs: 2 }), { ...START, step: 5, epoch: 1, batch: 2 }, { saved: true, earlier });
    expect(epochs()).toMatchObject([{ step: 6, epoch: 1, loss: (7 + 10 + 1) / 3 }]);
  });
});

describe('what goes wrong', () => {
  test('an interruption: the step under way is finished and saved', async () => {
    const stop = new AbortController();
    const parts = fake({}, { signal: stop.signal, before: step => step === 2 && stop.abort() });
    await expect(runLoop(parts, START)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(order.slice(-2)).toEqual(['log step 2', 'save 2/0.2']);
  });

  test('an interrupted validation is made again: the epoch is not over', async () => {
    const parts = fake({});
    const validate = async () => {
      throw new TmcaError('ABORTED', 'stopped');
    };
    await expect(runLoop({ ...parts, validate }, START)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(order.at(-1)).toBe('save 3/0.3');
    order = [];
    await runLoop(parts, saved.at(-1)!, { saved: true });
    expect(order.slice(0, 4)).toEqual(['validate', 'publish', 'log epoch 3', 'save 3/1.0']);
  });

  test('a loss that is no number: the state before that step is saved', async () => {
    const before = (step: number) => {
      if (step === 5) throw new TmcaError('MODEL_NOT_FINITE', 'NaN');
    };
    await expect(runLoop(fake({}, { before }), START)).rejects.toMatchObject({ code: 'MODEL_NOT_FINITE' });
    expect(saved.at(-1)).toMatchObject({ step: 4, epoch: 1, batch: 1 });
    expect(steps()).toHaveLength(4);
  });

  test('a lost device: nothing is left to save', async () => {
    const before = (step: number) => {
      if (step === 5) throw new TmcaError('DEVICE_LOST', 'gone');
    };
    await expect(runLoop(fake({}, { before }), START)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    expect(saved.at(-1)).toMatchObject({ step: 3, epoch: 1, batch: 0 });
  });
});
