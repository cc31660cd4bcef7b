// The losses and every parameter's gradient against the PyTorch reference, evaluated by the interpreter.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../graph/interpreter.js';
import type { NdArray } from '../../graph/rule.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { goldenFolders, loadGolden, readTensors } from '../golden.js';

/**
 * The share of each tensor's largest element that may differ: arithmetic is double on both sides, but the goldens' image was
 * rounded to single on its
 * way into the file.
 */
const ROUNDING = 1e-5;
/** Derivatives that are zero by algebra (a key's bias moves all scores alike) hold rounding alone. */
const ZERO = 1e-12;

describe.each(goldenFolders())('%s', folder => {
  test('losses, and every gradient by name, shape and value', async () => {
    const { config, batch, length, feed } = await loadGolden(folder);
    const { losses, gradients } = trainingGraph(Network.of(config), batch, length);
    const values: Record<string, NdArray> = evaluate({ ...losses, ...gradients }, feed);
    const { first } = JSON.parse(readFileSync(`${folder}/train.json`, 'utf8'));
    for (const part of ['loss', 'segmentation', 'contrastive'] as const)
      expect(Math.abs(values[part]!.data[0]! - first[part]), part).toBeLessThan(1e-7);
    const stored = await readTensors(`${folder}/gradients.safetensors`);
    expect(Object.keys(gradients).sort()).toEqual([...stored.keys()].sort());
    for (const [name, { shape, data }] of stored) {
      const found = values[name]!;
      expect(found.shape, name).toEqual(shape);
      let [largest, error] = [0, 0];
      for (let i = 0; i < data.length; i++) {
        largest = Math.max(largest, Math.abs(data[i]!));
        error = Math.max(error, Math.abs(found.data[i]! - data[i]!));
      }
      expect(error, `${name}, of ${largest}`).toBeLessThan(ROUNDING * largest + ZERO);
    }
  });
});

test('a frozen text encoder has no gradients, and all else the same ones', async () => {
  const { config, batch, length } = await loadGolden('test/fixtures/golden/micro');
  const names = (freeze: boolean) =>
    Object.keys(trainingGraph(Network.of(config), batch, length, { freeze }).gradients);
  expect(names(true)).toEqual(names(false).filter(name => !name.startsWith('text_encoder.')));
  expect(names(true).length).toBeGreaterThan(100);
});

test("BatchNorm's running statistics after a batch are PyTorch's", async () => {
  const folder = 'test/fixtures/golden/micro';
  const { config, batch, length, feed } = await loadGolden(folder);
  const { statistics } = trainingGraph(Network.of(config), batch, length);
  const values: Record<string, NdArray> = evaluate(statistics, feed);
  const stored = await readTensors(`${folder}/statistics.safetensors`);
  expect(Object.keys(values).sort()).toEqual([...stored.keys()].sort());
  for (const [name, { shape, data }] of stored) {
    expect(values[name]!.shape, name).toEqual(shape);
    values[name]!.data.forEach((value, i) => {
      expect(Math.abs(value - data[i]!), `${name} ${i}`).toBeLessThan(1e-7);
    });
  }
});
