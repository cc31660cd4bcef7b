// The image encoders that a configuration may choose besides the paper's ConvNeXt on patches: a stem of convolutions, and U-Net's.

import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { evaluate, type Feed } from '../../graph/interpreter.js';
import { fold, fuse } from '../../graph/passes/index.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { trainingOf } from '../../networks/training-registry.js';

const SIZE = 32;
const LENGTH = 4;
const small = {
  ...{ image_size: SIZE, depths: [1, 1, 1, 1], dims: [4, 8, 8, 8], vocab_size: 7, text_layers: 3, text_dim: 4 },
  ...{ text_heads: 2, text_ffn: 4, max_positions: 8, heads: 2, head_channels: 2, stem_dims: [4, 6] },
};
const encoders = ['convnext', 'unet'] as const;
const configOf = (image_encoder: string, change: object = {}) =>
  parseConfig({ ...small, image_encoder, ...change }, 'test');

/** Numbers in -1..1 that follow from a name: scales and variances around 1. */
function numbers(name: string, count: number): Float64Array {
  let state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 2166136261) >>> 0;
  const positive = /running_var|norm[a-z0-9]*\.weight|bn\d\.weight|layer_scale/i.test(name);
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = state / 2 ** 31 - 1;
    return positive ? 1 + value / 4 : value / 2;
  });
}

function feedOf(network: Network, batch: number): Feed {
  const image = numbers('image', batch * SIZE * SIZE * 3);
  const target = numbers('target', batch * SIZE * SIZE).map(x => (x > 0.3 ? 1 : 0));
  const inputs: Record<string, Float64Array | Int32Array> = {
    ...{ image, target },
    ids: Int32Array.from({ length: batch * LENGTH }, (_, i) => i % 7),
    mask: new Int32Array(batch * LENGTH).fill(1),
  };
  const count = (name: string) => network.parameters.get(name)!.reduce((product, side) => product * side, 1);
  return { input: name => inputs[name]!, parameter: name => numbers(name, count(name)) };
}

const furthest = (a: ArrayLike<number>, c: ArrayLike<number>) =>
  Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - c[i]!)), 0);

describe.each(encoders)('%s behind a stem', encoder => {
  const network = Network.of(configOf(encoder));

  test('has maps at strides 1 and 2, and joins in place of the sub-pixel head', () => {
    const { named, logits } = network.forward(1, LENGTH);
    expect([named['stem.1'], named['stem.2'], named['map.1'], named['map.4']].map(t => t!.shape)).toEqual([
      [1, 32, 32, 4],
      [1, 16, 16, 6],
      [1, 8, 8, 4],
      [1, 1, 1, 8],
    ]);
    expect(logits.shape).toEqual([1, 32, 32, 1]);
    const names = [...network.parameters.keys()];
    expect(names.filter(name => name.startsWith('head.subpixel'))).toEqual([]);
    expect(network.parameters.get('head.joins.0.conv1.weight')).toEqual([6, 12, 3, 3]);
    expect(network.parameters.get('head.joins.1.upsample.weight')).toEqual([6, 4, 2, 2]);
    expect(network.parameters.get('head.out.weight')).toEqual([1, 4, 1, 1]);
    const first =
      encoder === 'unet' ? 'image_encoder.stages.0.conv1.weight' : 'image_encoder.embeddings.patch_embeddings.weight';
    expect(network.parameters.get(first)).toEqual(encoder === 'unet' ? [4, 6, 3, 3] : [4, 6, 2, 2]);
  });

  test('folded and fused equals unfused', () => {
    const logits = network.logits(1, LENGTH);
    const feed = feedOf(network, 1);
    const plain = evaluate(logits, feed).logits!.data;
    expect(
      furthest(
        plain,
        plain.map(() => plain[0]!),
      ),
    ).toBeGreaterThan(1e-3);
    expect(furthest(plain, evaluate(fuse(fold(logits)), feed).logits!.data)).toBeLessThan(1e-9);
  });

  test('the gradients lead through the stem and the joins', () => {
    const { losses, gradients } = trainingGraph(network, 2, LENGTH);
    const feed = feedOf(network, 2);
    for (const name of [
      'image_encoder.stem.0.conv1.weight',
      'image_encoder.stem.1.bn2.bias',
      'head.joins.1.conv1.weight',
    ]) {
      const at = 1;
      const lossAt = (shift: number) => {
        const parameter = (wanted: string) => {
          const values = Float64Array.from(feed.parameter!(wanted));
          if (wanted === name) values[at]! += shift;
          return values;
        };
        return evaluate({ loss: losses.loss! }, { ...feed, parameter }).loss!.data[0]!;
      };
      const slope = (lossAt(1e-6) - lossAt(-1e-6)) / 2e-6;
      const gradient = evaluate({ gradient: gradients[name]! }, feed).gradient!.data[at]!;
      expect(Math.abs(slope - gradient), name).toBeLessThan(1e-5 * Math.max(1, Math.abs(gradient)));
    }
  });
});

test('the card says which encoder it is', () => {
  const said = (change: object) => trainingOf(Network.of(parseConfig({ ...small, ...change }, 'test'))).rows[0]![1];
  expect(said({ image_encoder: 'unet' })).toBe('the descending half of a U-Net, widths 4-6-4-8-8-8');
  expect(said({})).toBe('ConvNeXt, depths 1-1-1-1, widths 4-8-8-8, after convolutions of widths 4-6');
  expect(said({ stem_dims: [] })).toBe('ConvNeXt, depths 1-1-1-1, widths 4-8-8-8');
});

test("U-Net's encoder without a stem, and a stem of one map, are refused", () => {
  const refusal = (change: object) => {
    try {
      configOf('unet', change);
    } catch (error) {
      return error instanceof TmcaError && error.code === 'CONFIG_INVALID' ? error.message : String(error);
    }
    return 'taken';
  };
  expect(refusal({ stem_dims: [] })).toContain('stem_dims must be two integers where image_encoder is "unet"');
  expect(refusal({ stem_dims: [4] })).toContain(
    'stem_dims must be an empty list, or two integers from 1 to 4096, got [4]',
  );
});
