// What training and import start from: PyTorch's distributions, told by seed and name.

import { describe, expect, test } from 'vitest';
import type { Shape } from '../../graph/graph.js';
import { initialParameter } from '../../train/parameters/initial-parameters.js';

const shapes = new Map<string, Shape>([
  ['fc.weight', [64, 400]],
  ['fc.bias', [4096]],
  ['conv.weight', [32, 16, 3, 3]],
  ['up.weight', [48, 12, 2, 2]],
  ['norm.weight', [7]],
  ['norm.bias', [7]],
  ['bn.running_mean', [5]],
  ['bn.running_var', [5]],
  ['layers.0.layer_scale_parameter', [9]],
  ['embeddings.word_embeddings.weight', [300, 101]],
  ['embeddings.patch_embeddings.weight', [24, 3, 4, 4]],
]);

const at = (name: string, seed = 0) => initialParameter(name, shapes, seed);

function moments(values: Float32Array): { mean: number; deviation: number; least: number; most: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  const sorted = Float32Array.from(values).sort();
  return { mean, deviation, least: sorted[0]!, most: sorted[sorted.length - 1]! };
}

describe('initialParameter', () => {
  const uniform: [name: string, fanIn: number][] = [
    ['fc.weight', 400],
    ['fc.bias', 400],
    ['conv.weight', 16 * 9],
    // [in, out, k, k], and PyTorch takes out x k x k
    ['up.weight', 12 * 4],
    ['embeddings.patch_embeddings.weight', 3 * 16],
  ];
  test.each(uniform)('%s is uniform in ±1/sqrt(%i)', (name, fanIn) => {
    const bound = 1 / Math.sqrt(fanIn);
    const { mean, deviation, least, most } = moments(at(name));
    expect(least).toBeGreaterThanOrEqual(-bound);
    expect(most).toBeLessThanOrEqual(bound);
    expect(most - least).toBeGreaterThan(1.98 * bound);
    // five standard errors of the mean of 1,152 to 25,600 numbers
    expect(Math.abs(mean)).toBeLessThan(0.09 * bound);
    expect(Math.abs(deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.05);
  });

  test('embeddings are normal', () => {
    const values = at('embeddings.word_embeddings.weight');
    const { mean, deviation } = moments(values);
    expect(values).toHaveLength(30_300);
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.03);
    const within = values.filter(x => Math.abs(x) < 1).length / values.length;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.015);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test('constants', () => {
    expect([...at('norm.weight')]).toEqual(Array(7).fill(1));
    expect([...at('norm.bias')]).toEqual(Array(7).fill(0));
    expect([...at('bn.running_mean')]).toEqual(Array(5).fill(0));
    expect([...at('bn.running_var')]).toEqual(Array(5).fill(1));
    expect([...at('layers.0.layer_scale_parameter')]).toEqual(Array(9).fill(Math.fround(1e-6)));
  });

  test('seed and name tell the numbers, and nothing else does', () => {
    expect(at('fc.weight', 3)).toEqual(at('fc.weight', 3));
    expect(at('fc.weight', 3)).not.toEqual(at('fc.weight', 4));
    const alone = new Map([['fc.weight', shapes.get('fc.weight')!]]);
    expect(initialParameter('fc.weight', alone, 3)).toEqual(at('fc.weight', 3));
    expect(at('fc.bias').slice(0, 100)).not.toEqual(at('fc.weight').slice(0, 100));
  });
});
