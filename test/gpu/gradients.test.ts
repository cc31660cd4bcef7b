// The training loss and every parameter's gradient on the device, against golden states of the PyTorch reference.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { realEngine } from '../../cli/engine.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { evaluate } from '../../graph/interpreter.js';
import { channelsLast } from '../../graph/map-layout.js';
import type { NdArray } from '../../graph/rule.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { runGradients } from '../../runtime/inspect/gradients.js';
import { type Golden, goldenFolders, loadGolden, readTensors } from '../golden.js';
import { call } from '../unit/cli-fakes.js';
import { testDevice } from './device.js';

/** The share of each tensor's largest element that may differ: single precision, through some two hundred layers and back. */
const TOLERANCE = 1e-4;
/**
 * The share of the largest derivative of all that may differ: what is zero by algebra (a key's bias moves all scores alike)
 * holds rounding alone.
 */
const ROUNDING = 1e-6;

async function run({ forward, config, folder }: Golden, freeze = false) {
  const [image, ids, mask, target] = ['image', 'ids', 'mask', 'target'].map(name => forward.get(name)!);
  const path = `${folder}/model.safetensors`;
  const parameters = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  const inputs = { image: image!, ids: ids!, mask: mask!, target: target! };
  return runGradients(await testDevice(true), await loadAssembly(), config, inputs, parameters, { freeze });
}

const largestOf = (data: ArrayLike<number>): number =>
  Array.from(data).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

describe.each(goldenFolders())('%s', folder => {
  test('losses, and every gradient by name, shape and value', async () => {
    const { gradients, losses } = await run(await loadGolden(folder));
    const { first } = JSON.parse(readFileSync(`${folder}/train.json`, 'utf8'));
    for (const part of ['loss', 'segmentation', 'contrastive'] as const)
      expect(Math.abs(losses[part]! - first[part]), part).toBeLessThan(1e-5);
    const stored = await readTensors(`${folder}/gradients.safetensors`);
    expect(Object.keys(gradients).sort()).toEqual([...stored.keys()].sort());
    const floor = ROUNDING * Math.max(...[...stored.values()].map(({ data }) => largestOf(data)));
    for (const [name, { shape, data }] of stored) {
      const found = gradients[name]!;
      expect(found.shape, name).toEqual(shape);
      const error = largestOf(found.data.map((value, i) => value - data[i]!));
      expect(error, `${name}, of ${largestOf(data)}`).toBeLessThan(TOLERANCE * largestOf(data) + floor);
    }
  });
});

test('two runs give the same bits, and a frozen text encoder changes none of the others', async () => {
  const golden = await loadGolden('test/fixtures/golden/micro');
  const [first, second, frozen] = [await run(golden), await run(golden), await run(golden, true)];
  expect(second.gradients).toEqual(first.gradients);
  const kept = Object.entries(first.gradients).filter(([name]) => !name.startsWith('text_encoder.'));
  expect(frozen.gradients).toEqual(Object.fromEntries(kept));
});

test('one image with one token, against the interpreter', async () => {
  const golden = await loadGolden('test/fixtures/golden/micro');
  const first = ([, ...rest]: readonly number[], data: ArrayLike<number>, shape = [1, ...rest]) => {
    const count = shape.reduce((product, n) => product * n, 1);
    return { shape, data: Array.from(data).slice(0, count) };
  };
  const single = (name: string) => {
    const { shape, data } = golden.forward.get(name)!;
    return first(shape, data, name === 'ids' || name === 'mask' ? [1, 1] : undefined);
  };
  const forward = new Map(['image', 'ids', 'mask', 'target'].map(name => [name, single(name)]));
  const { gradients, losses } = await run({ ...golden, forward });
  const graph = trainingGraph(Network.of(golden.config), 1, 1);
  const feed = { ...golden.feed, input: (name: string) => channelsLast(forward.get(name)!).data };
  const expected = evaluate({ 'the loss': graph.losses.loss, ...graph.gradients }, feed) as Record<string, NdArray>;
  expect(Math.abs(losses.loss - expected['the loss']!.data[0]!)).toBeLessThan(1e-5);
  const floor = ROUNDING * Math.max(...Object.values(expected).map(({ data }) => largestOf(data)));
  for (const [name, { data }] of Object.entries(gradients)) {
    const truth = expected[name]!.data;
    const error = largestOf(data.map((value, i) => value - truth[i]!));
    expect(error, `${name}, of ${largestOf(truth)}`).toBeLessThan(TOLERANCE * largestOf(truth) + floor);
  }
});

describe('tmca inspect gradients', () => {
  const model = 'test/fixtures/golden/micro';
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tmca-gradients-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const inspect = (...more: string[]) => {
    const out = join(folder, 'gradients.safetensors');
    const inputs = `${model}/forward.safetensors`;
    const argv = ['inspect', 'gradients', model, '--inputs', inputs, '--out', out, '--device', 'webgpu', '--json'];
    return call([...argv, ...more], { engine: realEngine });
  };

  test('writes every gradient and prints the losses', async () => {
    const { code, json, stderr } = await inspect();
    expect([code, stderr]).toEqual([0, '']);
    const { first } = JSON.parse(readFileSync(`${model}/train.json`, 'utf8'));
    for (const part of ['loss', 'segmentation', 'contrastive'])
      expect((json as Record<string, number>)[part]).toBeCloseTo(first[part], 5);
    expect(json).toMatchObject({ device: 'webgpu', dtype: 'fp32' });
    const written = await readTensors(join(folder, 'gradients.safetensors'));
    const stored = await readTensors(`${model}/gradients.safetensors`);
    const shapes = (tensors: typeof stored) => [...tensors].map(([name, { shape }]) => `${name} ${shape}`).sort();
    expect(shapes(written)).toEqual(shapes(stored));
  });

  test('trains in fp32 alone, and says so', async () => {
    const { code, stderr } = await inspect('--dtype', 'fp16');
    expect([code, stderr]).toEqual([
      1,
      'error [UNSUPPORTED]: inspectGradients: training must run in fp32, got fp16; leave the dtype out\n',
    ]);
  });
});
