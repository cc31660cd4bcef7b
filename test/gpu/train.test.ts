// Whole training runs of a tiny network on a device: repeatable, resumable, interruptible, and they learn.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { encodeSafetensors, toFloat32 } from '../../formats/safetensors/index.js';
import { openDataset } from '../../node/datasets/dataset.js';
import { evaluateRecords } from '../../node/datasets/evaluate.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { openSession } from '../../node/index.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import type { TrainEvent } from '../../train/events.js';
import type { TrainOptions } from '../../train/run/options.js';
import { train as run } from '../../train/run/train.js';
import { latestCheckpoint, readMetrics, readRunInfo } from '../../train/run-files/index.js';
import type { MemoryPlan } from '../../train/step/memory-plan.js';
import { TrainingStep } from '../../train/step/step.js';
import { tinyConfig, writeTrainSet } from '../train-set.js';
import { type Bundle, bundle } from '../unit/train-bundle.js';

let folder: string;
let data: string;
let worker: Bundle;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-train-'));
  data = join(folder, 'data');
  await writeTrainSet(data, { train: 7, val: 3 });
  worker = await bundle({ 'decode-worker': 'train/data/decode-worker.ts' });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await worker.remove();
});

const config = (more: object = {}) => ({ ...tinyConfig(join(data, 'vocab.txt')), ...more });

const train = (out: string, options: Partial<TrainOptions> = {}) =>
  run({
    ...{ data, out: join(folder, out), workerScript: worker.url('decode-worker') },
    ...(options.resume ? {} : { config: config() }),
    ...options,
  });

/** The bytes of the last checkpoint that tell where the run is, and of the published model. */
async function files(out: string): Promise<Record<string, Buffer>> {
  const checkpoint = await latestCheckpoint(join(folder, out, 'checkpoints'));
  const read = async (name: string, path: string) => [name, await readFile(path)] as const;
  return Object.fromEntries([
    await read('published', join(folder, out, 'model.safetensors')),
    ...(await Promise.all(
      ['model.safetensors', 'state.safetensors', 'state.json'].map(name => read(name, join(checkpoint!.folder, name))),
    )),
  ]);
}

/** metrics.jsonl without what a clock says. */
async function metrics(out: string) {
  const lines = await readMetrics(join(folder, out, 'metrics.jsonl'));
  return lines.map(({ images_per_second: _, seconds: __, ...line }) => line);
}

async function parameters(path: string): Promise<Map<string, Float32Array>> {
  const model = await openModelFolder(path, nodeIo);
  const found = new Map<string, Float32Array>();
  for await (const tensor of model.weights.tensors()) found.set(tensor.name, toFloat32(tensor).slice());
  return found;
}

describe('a run in parts is the run in one piece, bit for bit', () => {
  beforeAll(() => train('whole', { steps: 20 }));

  test('another seed begins with other weights and takes other records', async () => {
    await train('other', { steps: 1, seed: 1 });
    const [mine, other] = [await metrics('whole'), await metrics('other')];
    expect(other[0]).toMatchObject({ kind: 'step', step: 1 });
    expect(other[0]!.loss).not.toBe(mine[0]!.loss);
  });

  test('10 steps and 10 more, stopped in the middle of an epoch', async () => {
    await train('parts', { steps: 10 });
    const state = (await latestCheckpoint(join(folder, 'parts', 'checkpoints')))!.state;
    expect(state).toMatchObject({ step: 10, epoch: 3, batch: 1 });
    // What the first device allowed is the run's: another day's device may not change it.
    expect(state.config).toMatchObject({ batch: 2, micro_batch: 2 });
    const { step, stopped } = await train('parts', { resume: true, steps: 20 });
    expect([step, stopped]).toEqual([20, 'steps']);
    expect(await files('parts')).toEqual(await files('whole'));
    expect(await metrics('parts')).toEqual(await metrics('whole'));
  });

  test('interrupted after any step: what is saved is that step, and how to go on is said', async () => {
    const stop = new AbortController();
    const onEvent = (event: TrainEvent) => {
      if (event.kind === 'step' && event.line.step === 8) stop.abort();
    };
    await expect(train('stopped', { steps: 20, signal: stop.signal, onEvent })).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringMatching(/step 8 is saved in .*, go on with: tmca train --data .* --out .* --resume/),
    });
    expect((await readRunInfo(join(folder, 'stopped')))!.ended).toBeNull();
    expect(await readdir(join(folder, 'stopped'))).not.toContain('train.lock');
    await train('stopped', { resume: true, steps: 20 });
    expect(await files('stopped')).toEqual(await files('whole'));
    expect(await metrics('stopped')).toEqual(await metrics('whole'));
    expect((await readRunInfo(join(folder, 'stopped')))!.ended!.why).toBe('20 steps, as asked for');
  });

  test('a device that is lost on the way is replaced, and nothing is seen of it', async () => {
    const take = TrainingStep.prototype.run;
    let lost = 0;
    const spy = vi.spyOn(TrainingStep.prototype, 'run').mockImplementation(function (this: TrainingStep, ...args) {
      if (this.steps === 7 && lost++ === 0) this.arena.gpu.device.destroy();
      return take.apply(this, args);
    });
    const notes: string[] = [];
    const onEvent = (event: TrainEvent) => void (event.kind === 'note' && notes.push(event.text));
    await train('lost', { steps: 20, onEvent });
    spy.mockRestore();
    expect(lost).toBe(2);
    expect(notes).toContain('the device was lost: going on from step 6 on a new one');
    expect(await files('lost')).toEqual(await files('whole'));
    expect(await metrics('lost')).toEqual(await metrics('whole'));
  });

  test('one that is lost again and again ends the run, which says how to go on', async () => {
    const spy = vi.spyOn(TrainingStep.prototype, 'run').mockImplementation(function (this: TrainingStep) {
      return Promise.reject(new TmcaError('DEVICE_LOST', 'gone', { retryable: true }));
    });
    await expect(train('gone', { steps: 2 })).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      message: expect.stringMatching(/^gone; step 0 is saved in .*, go on with: tmca train .* --resume$/),
    });
    expect(spy).toHaveBeenCalledTimes(3);
    spy.mockRestore();
  });

  test('the published model scores as it was validated', async () => {
    const { best } = await train('whole', { resume: true, steps: 21 });
    const lines = (await metrics('whole')).filter(({ kind }) => kind === 'epoch');
    const line = lines.find(({ step }) => step === best!.step)!;
    const session = await openSession(join(folder, 'whole'), { device: 'webgpu' });
    const { records } = await openDataset(data, { split: 'val' });
    const scores = await evaluateRecords(session, records);
    session.dispose();
    expect(scores.dice).toBeCloseTo(line.val_dice as number, 3);
    expect(scores.iou).toBeCloseTo(line.val_iou as number, 3);
    expect(scores.mean_dice).toBeCloseTo(line.val_mean_dice as number, 3);
  });
});

test('in micro-batches, also in parts; what does not fit is refused before anything is taken', async () => {
  const plans: MemoryPlan[] = [];
  const onEvent = (event: TrainEvent) => {
    if (event.kind === 'plan') plans.push(event.plan);
  };
  const halves = { config: config({ micro_batch: 1, recompute: 'blocks' }), onEvent };
  await train('micro', { ...halves, steps: 2 });
  await train('micro-parts', { ...halves, steps: 1 });
  await train('micro-parts', { ...halves, resume: true, steps: 2 });
  expect(await files('micro-parts')).toEqual(await files('micro'));
  expect(plans.map(({ microBatch, recompute }) => `${microBatch} ${recompute}`)).toEqual(Array(3).fill('1 blocks'));
  expect((await readRunInfo(join(folder, 'micro')))!.taken).toEqual({ micro_batch: 1, recompute: 'blocks' });
  await expect(train('small', { memory: 100_000 })).rejects.toMatchObject({
    code: 'GPU_LIMIT',
    message: expect.stringMatching(
      /planMemory: a step of batch 2 must fit 97\.7 KiB, got [\d.]+ [KM]iB at the least \(2 micro-batches of 1/,
    ),
  });
});

test('four pictures are learned by heart', async () => {
  const four = join(folder, 'four');
  await writeTrainSet(four, { train: 4, val: 4 });
  const still = { zoom: { probability: 0, min: 1, max: 1 } };
  const settings = config({
    batch: 4,
    epochs: 80,
    lr: 1e-2,
    augment: still,
    patience: 0,
    vocab: join(four, 'vocab.txt'),
  });
  const { best, last, stopped } = await train('heart', { data: four, config: settings });
  const lines = (await metrics('heart')).filter(({ kind }) => kind === 'step');
  expect(stopped).toBe('epochs');
  expect(lines).toHaveLength(80);
  expect(lines.at(-1)!.loss as number).toBeLessThan(0.3 * (lines[0]!.loss as number));
  expect(last!.val_dice as number).toBeGreaterThan(0.9);
  expect(best!.score).toBeGreaterThan(0.9);
});

describe('where training starts', () => {
  test('frozen parameters keep their bits, thawed ones and the others move', async () => {
    const settings = config({ freeze: ['text_encoder'], thaw: ['text_encoder.encoder.layer.2'], ema: 0 });
    await train('frozen', { config: settings, steps: 2 });
    const checkpoints = join(folder, 'frozen', 'checkpoints');
    const [first, last] = (await readdir(checkpoints)).sort();
    const [before, after] = [await parameters(join(checkpoints, first!)), await parameters(join(checkpoints, last!))];
    const moved = [...before].filter(([name, values]) => after.get(name)!.some((x, i) => x !== values[i]));
    const text = moved.map(([name]) => name).filter(name => name.startsWith('text_encoder.'));
    expect(new Set(text.map(name => name.split('.').slice(0, 4).join('.')))).toEqual(
      new Set(['text_encoder.encoder.layer.2']),
    );
    expect(moved.some(([name]) => name.startsWith('decoder.'))).toBe(true);
    expect(moved.some(([name]) => name.startsWith('image_encoder.'))).toBe(true);
  });

  test('a folder with an encoder alone: the rest is made, and it is said', async () => {
    const init = join(folder, 'init');
    const source = await openModelFolder(join(folder, 'whole'), nodeIo);
    const kept = [];
    for await (const tensor of source.weights.tensors()) {
      if (tensor.name.startsWith('image_encoder.')) kept.push({ ...tensor, bytes: tensor.bytes.slice() });
    }
    await writeFileAtomic(join(init, 'model.safetensors'), encodeSafetensors(kept));
    for (const name of ['config.json', 'vocab.txt'])
      await writeFileAtomic(join(init, name), await readFile(join(folder, 'whole', name)));
    const notes: string[] = [];
    const onEvent = (event: TrainEvent) => void (event.kind === 'note' && notes.push(event.text));
    await train('partial', { init, steps: 1, onEvent });
    const from = await parameters(join(folder, 'whole'));
    const begun = await parameters(join(folder, 'partial', 'checkpoints', '000001'));
    const name = 'image_encoder.embeddings.patch_embeddings.weight';
    expect(begun.get(name)).toEqual(from.get(name));
    expect(begun.get('head.out.weight')).not.toEqual(from.get('head.out.weight'));
    expect(notes.join('\n')).toMatch(/--init has \d+ of \d+ parameters; the others begin at random: .*, and \d+ more/);
  });

  test('numbers beyond f32 end the run before they spoil it: the step, the layer, what is saved', async () => {
    const init = join(folder, 'wild');
    const source = await openModelFolder(join(folder, 'whole'), nodeIo);
    const tensors = [];
    for await (const tensor of source.weights.tensors()) {
      const data = toFloat32(tensor).slice();
      if (tensor.name === 'head.out.weight') data.fill(3e38);
      tensors.push({ ...tensor, dtype: 'F32' as const, bytes: new Uint8Array(data.buffer) });
    }
    await writeFileAtomic(join(init, 'model.safetensors'), encodeSafetensors(tensors));
    for (const name of ['config.json', 'vocab.txt'])
      await writeFileAtomic(join(init, name), await readFile(join(folder, 'whole', name)));
    await expect(train('broken', { init, steps: 3 })).rejects.toMatchObject({
      code: 'MODEL_NOT_FINITE',
      message: expect.stringMatching(
        /step 1: .*; the first that is not finite: the output of head\.out \(sum .*\); step 0 is saved in .*000001/,
      ),
    });
    const saved = await parameters(join(folder, 'broken', 'checkpoints', '000001'));
    for (const [name, values] of saved) expect(values.every(Number.isFinite), name).toBe(true);
  });
});

describe('refusals', () => {
  test.each<[string, Partial<TrainOptions>, string, RegExp]>([
    ['a folder that holds a run', {}, 'BAD_ARGUMENT', /got metrics\.jsonl in .*; resume it, or name another folder/],
    [
      'another batch',
      { resume: true, batch: 3 },
      'CONFIG_INVALID',
      /keep its settings .*, got batch 3 where the run has 2/,
    ],
    ['another seed', { resume: true, seed: 9 }, 'CONFIG_INVALID', /got seed 9 where the run has 0/],
    [
      'wasm',
      { resume: true, device: 'wasm' },
      'ENGINE_UNAVAILABLE',
      /training must run on WebGPU or by PyTorch, got device wasm/,
    ],
    ['no step', { resume: true, steps: 0 }, 'BAD_ARGUMENT', /steps must be a whole number of at least 1, got 0/],
  ])('%s', async (_, options, code, message) => {
    await expect(train('whole', options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('a data set that is not there, before the run has a folder', async () => {
    const missing = train('nothing', { data: join(folder, 'nowhere') });
    await expect(missing).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(await readdir(folder)).not.toContain('nothing');
  });

  test('other records than those that the run began with', async () => {
    const other = join(folder, 'other-data');
    await writeTrainSet(other, { train: 6, val: 3 });
    await expect(train('whole', { resume: true, data: other })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/must have the records that it began with/),
    });
  });
});
