// What the paper leaves open of LTEM, as configurations. With a temperature so high that the softmax is even, the map is one
// number everywhere, so a gate is a factor, which leaky ReLU lets through: the network must equal one without LTEM whose last
// BatchNorm of each block is scaled by it.

import { describe, expect, test } from 'vitest';
import { evaluate, type Feed } from '../../graph/interpreter.js';
import { fold, fuse } from '../../graph/passes/index.js';
import type { NetworkConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { loadGolden } from '../golden.js';

const golden = await loadGolden('test/fixtures/golden/micro');
const EVEN = 1e9;
/** Sub-regions of the maps at strides 32, 16 and 8 of a picture of 32 x 32. */
const REGIONS = [1, 4, 16];

const graphOf = (change: Partial<NetworkConfig<'tmca'>>) =>
  Network.of({ ...golden.config, ...change }).forward(golden.batch, golden.length).named;

/** The feed with the second BatchNorm of each block times its factor. */
const scaled = (factors: readonly number[]): Feed => ({
  ...golden.feed,
  parameter: name => {
    const values = golden.feed.parameter!(name);
    const block = /^decoder\.blocks\.(\d)\.bn2\.(weight|bias)$/.exec(name)?.[1];
    return block === undefined ? values : Float64Array.from(values, v => v * factors[Number(block)]!);
  },
});

const furthest = (a: ArrayLike<number>, c: ArrayLike<number>) =>
  Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - c[i]!)), 0);

const cases: [Pick<NetworkConfig<'tmca'>, 'ltemNormalize' | 'ltemApply'>, (regions: number) => number][] = [
  [{ ltemNormalize: 'mean1', ltemApply: 'multiply' }, () => 1],
  [{ ltemNormalize: 'mean1', ltemApply: 'residual' }, () => 2],
  [{ ltemNormalize: 'softmax', ltemApply: 'multiply' }, n => 1 / n],
  [{ ltemNormalize: 'softmax', ltemApply: 'residual' }, n => 1 + 1 / n],
];

describe.each(cases)('%o', (choice, factor) => {
  test('an even map is the factor that the choice makes of it', () => {
    const gated = evaluate(graphOf({ ...choice, tauEnhance: EVEN }), golden.feed).logits!.data;
    const plain = evaluate(graphOf({ enhance: false }), scaled(REGIONS.map(factor))).logits!.data;
    expect(furthest(gated, plain)).toBeLessThan(1e-7);
  });

  test('what is shown is the map itself, before it is applied', () => {
    const values = evaluate(graphOf({ ...choice, tauEnhance: 0.1 }), golden.feed);
    for (const [i, regions] of REGIONS.entries()) {
      const { data } = values[`enhancement.${i + 1}`]!;
      // bilinear x2 over replicated borders keeps the mean
      const mean = Array.from(data).reduce((sum, value) => sum + value, 0) / data.length;
      expect(mean).toBeCloseTo(choice.ltemNormalize === 'mean1' ? 1 : 1 / regions, 9);
    }
  });

  test('folded and fused equals unfused, and the gradients lead through it', () => {
    const config = { ...golden.config, ...choice, tauEnhance: 0.1 };
    const logits = { logits: graphOf(config).logits! };
    expect(
      furthest(evaluate(logits, golden.feed).logits!.data, evaluate(fuse(fold(logits)), golden.feed).logits!.data),
    ).toBeLessThan(1e-9);
    const { losses, gradients } = trainingGraph(Network.of(config), golden.batch, golden.length);
    const name = 'decoder.text_proj.16.bias';
    const lossAt = (shift: number) => {
      const moved = (parameter: string) => {
        const values = Float64Array.from(golden.feed.parameter!(parameter));
        if (parameter === name) values[3]! += shift;
        return values;
      };
      return evaluate({ loss: losses.loss }, { ...golden.feed, parameter: moved }).loss!.data[0]!;
    };
    const slope = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
    const gradient = evaluate({ gradient: gradients[name]! }, golden.feed).gradient!.data[3]!;
    expect(Math.abs(slope - gradient)).toBeLessThan(1e-6 * Math.max(1, Math.abs(gradient)));
  });
});

test('the default is the reference`s', () => {
  const chosen = evaluate(graphOf({ ltemNormalize: 'mean1', ltemApply: 'multiply' }), golden.feed).logits!.data;
  expect(furthest(chosen, evaluate(graphOf({}), golden.feed).logits!.data)).toBe(0);
});
