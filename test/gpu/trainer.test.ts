// `tmca-edge/train` in Node: what it takes and gives, on Dawn; test/browser/train.test.ts does the same in a page.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memorySource, openSafetensors, toFloat32 } from '../../formats/safetensors/index.js';
import { nodeGpu } from '../../gpu/node.js';
import { Trainer, type TrainerOptions } from '../../train/index.js';
import { examplesOf, VOCABULARY } from '../training-examples.js';

const model = JSON.parse(readFileSync('test/fixtures/golden/micro/config.json', 'utf8'));
const settings = { batch: 2, lr: 1e-3, freeze: [] as string[], ema: 0.9, clip: 1 };
const examples = examplesOf(2);

let gpu: GPU;
const live: Trainer[] = [];
beforeAll(async () => {
  gpu = await nodeGpu();
});
afterAll(() => {
  for (const trainer of live) trainer.dispose();
});

async function create(more: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const trainer = await Trainer.create({ network: model, vocab: VOCABULARY, settings, device: 'webgpu', gpu, ...more });
  live.push(trainer);
  return trainer;
}

async function tensorsOf(bytes: Uint8Array): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  const file = await openSafetensors(memorySource(bytes, 'bytes'));
  for await (const tensor of file.tensors()) found.set(tensor.name, toFloat32(tensor).slice());
  return found;
}

test('steps lower the loss; a checkpoint goes on where it was, bit for bit', async () => {
  const whole = await create();
  const losses: number[] = [];
  for (let i = 0; i < 6; i++) losses.push((await whole.step(examples)).loss);
  expect(losses[5]!).toBeLessThan(losses[0]!);
  const first = await create();
  for (let i = 0; i < 3; i++) await first.step(examples);
  const rest = await create({ checkpoint: await first.checkpoint() });
  expect(rest.steps).toBe(3);
  for (let i = 3; i < 6; i++) expect((await rest.step(examples)).loss).toBe(losses[i]);
  expect(await tensorsOf(await rest.checkpoint())).toEqual(await tensorsOf(await whole.checkpoint()));
  // Published is the average; a step of another rate moves what is trained.
  const published = await tensorsOf(await whole.weights());
  const state = await tensorsOf(await whole.checkpoint());
  expect(published.get('head.out.weight')).toEqual(state.get('average.head.out.weight'));
  expect(published.get('head.out.weight')).not.toEqual(state.get('head.out.weight'));
});

test('what a step says and leaves: losses, the norm of the gradients, gradients by name, cut sentences', async () => {
  const trainer = await create({ settings: { ...settings, freeze: ['text_encoder'], clip: 0, ema: 0 }, textLength: 4 });
  const { loss, losses, gradientNorm, step, truncated } = await trainer.step(examples, { lr: 0 });
  expect(loss).toBeCloseTo(losses.segmentation! + losses.contrastive!, 5);
  expect([step, truncated]).toEqual([1, [1]]);
  const gradients = await trainer.gradients();
  expect([...gradients.keys()].some(name => name.startsWith('text_encoder.'))).toBe(false);
  expect(gradients.get('head.out.weight')!.shape).toEqual([1, 3, 1, 1]);
  const squares = [...gradients.values()].flatMap(({ data }) => [...data]).reduce((sum, g) => sum + g * g, 0);
  expect(Math.sqrt(squares) / gradientNorm).toBeCloseTo(1, 4);
  expect(trainer.plan).toMatchObject({ batch: 2, microBatch: 2, length: 4, recompute: 'none' });
});

describe('refused', () => {
  let trainer: Trainer;
  beforeAll(async () => {
    trainer = await create();
  });
  const dark = { ...examples[0]!.mask, data: examples[0]!.mask.data.map(value => Math.min(value, 1)) };
  const small = { data: new Uint8Array(4), width: 2, height: 2, channels: 1 as const };
  const cases: [string, () => Promise<unknown>, string, string][] = [
    [
      'another number of examples',
      async () => trainer.step(examplesOf(3)),
      'BAD_ARGUMENT',
      'a batch must have 2 examples, got 3',
    ],
    [
      'a mask of labels',
      async () => trainer.step([{ ...examples[0]!, mask: dark }, examples[1]!]),
      ...(['BAD_ARGUMENT', 'mask 0 must reach 255 where there is a lesion, got 1'] as const),
    ],
    [
      'a mask of another size',
      async () => trainer.step([examples[0]!, { ...examples[1]!, mask: small }]),
      ...(['BAD_ARGUMENT', 'mask 1 must be 40 x 30 as its image, got 2 x 2'] as const),
    ],
    [
      'no words',
      async () => trainer.step([examples[0]!, { ...examples[1]!, text: ' ' }]),
      ...(['TEXT_EMPTY', 'text 1 must say something'] as const),
    ],
    [
      'no network',
      () => Trainer.create({ vocab: VOCABULARY, gpu }),
      'BAD_ARGUMENT',
      'there must be a network, got none',
    ],
    ['no vocabulary', () => Trainer.create({ network: model, gpu }), 'BAD_ARGUMENT', 'there must be a vocabulary'],
    [
      'too little memory',
      () => create({ memory: 1000 }),
      'GPU_LIMIT',
      'planMemory: a step of batch 2 must fit 1.0 KiB',
    ],
    ['a CPU for a device', () => create({ device: 'auto' }), 'NO_ADAPTER', 'there must be a hardware adapter'],
    [
      'longer sentences than the network reads',
      () => create({ textLength: 17 }),
      'BAD_ARGUMENT',
      'from 2 to 16, got 17',
    ],
    [
      'a checkpoint that is none',
      async () => create({ checkpoint: await trainer.weights() }),
      ...(['MODEL_INCOMPLETE', 'must be what Trainer.checkpoint gave'] as const),
    ],
  ];
  test.each(cases)('%s', async (_, act, code, text) => {
    await expect(act()).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });

  test('after dispose: every call', async () => {
    trainer.dispose();
    trainer.dispose();
    await expect(trainer.step(examples)).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(trainer.weights()).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});
