// U-Net against the PyTorch reference (../shared/reference/compare), evaluated by the interpreter: outputs, parameters, loss
// and gradients. A small state of our own comes with the tests, the reference's is read where it is.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../graph/interpreter.js';
import { channelsLast } from '../../graph/map-layout.js';
import type { NdArray } from '../../graph/rule.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { readTensors } from '../golden.js';

const shared = ['../shared/reference/compare/golden/unet'].filter(folder => existsSync(folder));
const folders = ['test/fixtures/golden/unet', 'test/fixtures/golden/unet-lvit', ...shared];

async function load(folder: string) {
  const config = parseConfig(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')), folder);
  const forward = await readTensors(`${folder}/forward.safetensors`);
  const parameters = await readTensors(`${folder}/model.safetensors`);
  const feed = {
    input: (name: string) => channelsLast(forward.get(name)!).data,
    parameter: (name: string) => parameters.get(name)!.data,
  };
  return { network: Network.of(config), batch: forward.get('image')!.shape[0]!, forward, parameters, feed };
}

const largest = (data: ArrayLike<number>) => Array.from(data).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return largest(Array.from(a, (x, i) => x - b[i]!));
};

describe.each(folders)('%s', folder => {
  test('every stored output, and the parameters by name and shape', async () => {
    const { network, batch, forward, parameters, feed } = await load(folder);
    const values = evaluate(network.forward(batch, 0).named, feed);
    const stored = [...forward.keys()].filter(name => !['image', 'target'].includes(name));
    expect(Object.keys(values).sort()).toEqual(stored.sort());
    for (const [name, value] of Object.entries(values))
      expect(furthest(value!.data, channelsLast(forward.get(name)!).data), name).toBeLessThan(1e-6);
    const shapes = [...parameters].map(([name, { shape }]) => [name, [...shape]] as const);
    expect(new Map(network.parameters)).toEqual(new Map(shapes));
  });

  test('the training loss and every gradient', async () => {
    const { network, batch, feed } = await load(folder);
    const { losses, gradients } = trainingGraph(network, batch, 0);
    const values = evaluate({ 'the loss': losses.loss!, ...gradients }, feed) as Record<string, NdArray>;
    const { first } = JSON.parse(readFileSync(`${folder}/train.json`, 'utf8'));
    expect(Math.abs(values['the loss']!.data[0]! - first.loss)).toBeLessThan(1e-7);
    const stored = await readTensors(`${folder}/gradients.safetensors`);
    expect(Object.keys(gradients).sort()).toEqual([...stored.keys()].sort());
    // A bias before BatchNorm has a gradient of 0 by construction.
    for (const [name, { data }] of stored)
      expect(furthest(values[name]!.data, data), name).toBeLessThan(1e-5 * largest(data) + 1e-8);
  });
});
