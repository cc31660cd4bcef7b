// Factories of the backward kernels: what they refuse, how they cut sums, and that dispatches fit the limits.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { KernelCall } from '../../gpu/kernel.js';
import { attentionGradient, attentionGradientStatistics } from '../../gpu/kernels/attention/attention-gradient.js';
import { conv2dInputGradient } from '../../gpu/kernels/convolution/conv2d-input-gradient.js';
import {
  conv2dWeightGradient,
  conv2dWeightGradientPartial,
} from '../../gpu/kernels/convolution/conv2d-weight-gradient.js';
import {
  depthwiseInputGradient,
  depthwiseWeightGradient,
  depthwiseWeightGradientPartial,
} from '../../gpu/kernels/convolution/depthwise-gradient.js';
import { maxPoolGradient } from '../../gpu/kernels/convolution/max-pool-gradient.js';
import { fill } from '../../gpu/kernels/elementwise/fill.js';
import { linearInputGradient } from '../../gpu/kernels/matmul/linear-input-gradient.js';
import { linearWeightGradient, linearWeightGradientPartial } from '../../gpu/kernels/matmul/linear-weight-gradient.js';
import { embeddingGradient } from '../../gpu/kernels/movement/embedding-gradient.js';
import { resizeBilinearGradient } from '../../gpu/kernels/movement/resize-bilinear-gradient.js';
import { l2NormalizeGradient } from '../../gpu/kernels/norm/l2-normalize-gradient.js';
import { layerNormGradient, layerNormGradientPartial } from '../../gpu/kernels/norm/layer-norm-gradient.js';
import { accumulate } from '../../gpu/kernels/optimiser/accumulate.js';
import { adamw } from '../../gpu/kernels/optimiser/adamw.js';
import { scaleBy } from '../../gpu/kernels/optimiser/scale-by.js';
import { sumOfSquares, sumOfSquaresPartial } from '../../gpu/kernels/optimiser/sum-of-squares.js';
import { columnSum, columnSumPartial } from '../../gpu/kernels/reduction/column-sum.js';

const o = { x: 0, weight: 1, dy: 2, out: 3 };
const map = { batch: 1, height: 8, width: 8, channels: 4 };
const k3 = { kernelHeight: 3, kernelWidth: 3 };
const token = { batch: 1, queries: 4, keys: 4, heads: 2, headDim: 8 };
const attention = { q: 0, k: 1, v: 2, dy: 3, statistics: 4, dq: 5, dk: 6, dv: 7 };
const norm = { x: 0, dy: 1, dx: 2, statistics: 3 };
const step = { count: 4, lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, step: 1 };
const arenas = { parameters: 0, gradients: 1, m: 2, v: 3 };
const half = { act: 'f16' } as const;

const refused: [call: () => unknown, code: string, text: string][] = [
  [
    () => l2NormalizeGradient({ m: 2, n: 3, eps: 0 }, o),
    'BAD_ARGUMENT',
    'l2NormalizeGradient: eps must be a positive number, got 0',
  ],
  [
    () => l2NormalizeGradient({ m: 2, n: 3, eps: 1 }, o, half),
    'UNSUPPORTED',
    'l2NormalizeGradient: gradients must be stored in f32, got act f16',
  ],
  [
    () => linearInputGradient({ m: 0, k: 4, n: 4 }, o),
    'BAD_ARGUMENT',
    'linearInputGradient: m must be an integer of at least 1, got 0',
  ],
  [
    () => linearInputGradient({ m: 4, k: 6, n: 4, shuffle: { width: 2, block: 2 } }, o),
    'SHAPE_MISMATCH',
    'multiple of block² = 4, got 6',
  ],
  [
    () => linearInputGradient({ m: 5, k: 4, n: 4, shuffle: { width: 2, block: 2 } }, o),
    'SHAPE_MISMATCH',
    'm must be whole lines of 2 pixels, got 5',
  ],
  [
    () => linearWeightGradient({ m: 5, k: 4, n: 4 }, o, half),
    'UNSUPPORTED',
    'linearWeightGradient: gradients must be stored in f32, got act f16',
  ],
  [
    () => linearWeightGradient({ m: 5, k: 4, n: 4 }, o, { act: 'f32', weight: 'f16' }),
    'UNSUPPORTED',
    'weight f16; train in fp32',
  ],
  [
    () => linearWeightGradient({ m: 5000, k: 4, n: 4 }, o),
    'BAD_ARGUMENT',
    'linearWeightGradient: partial must be a buffer of 640 floats, got none',
  ],
  [
    () => linearWeightGradient({ m: 2 ** 20, k: 1, n: 4096 }, o),
    'SHAPE_MISMATCH',
    'fewer than 2^32 elements, got [1048576, 4096]',
  ],
  [
    () => conv2dInputGradient({ ...map, height: 2, outChannels: 1, ...k3 }, o),
    'SHAPE_MISMATCH',
    'conv2dInputGradient: the kernel must fit into the padded map, got 3 x 3 on 2 x 8',
  ],
  [
    () => conv2dWeightGradient({ ...map, outChannels: 0, ...k3 }, o),
    'BAD_ARGUMENT',
    'conv2dWeightGradient: outChannels must be an integer of at least 1, got 0',
  ],
  [
    () => depthwiseInputGradient({ ...map, kernelHeight: 3, kernelWidth: 2 }, o),
    'UNSUPPORTED',
    'depthwiseInputGradient: kernels must have odd sides, got 3 x 2',
  ],
  [
    () => depthwiseWeightGradient({ ...map, kernelHeight: 2, kernelWidth: 3 }, o),
    'UNSUPPORTED',
    'depthwiseWeightGradient: kernels must have odd sides, got 2 x 3',
  ],
  [
    () => depthwiseWeightGradient({ ...map, ...k3 }, o),
    'BAD_ARGUMENT',
    'depthwiseWeightGradient: partial must be a buffer of 288 floats',
  ],
  [
    () => attentionGradient({ ...token, headDim: 257 }, attention),
    'UNSUPPORTED',
    'attentionGradient: headDim must be at most 256, got 257',
  ],
  [
    () => attentionGradient({ ...token, dk: { offset: 0, pitch: 15 } }, attention),
    'SHAPE_MISMATCH',
    'attentionGradient: dk must start at a natural number and have rows at least 16 elements apart',
  ],
  [
    () => layerNormGradient({ m: 4, c: 4, eps: 0 }, norm),
    'BAD_ARGUMENT',
    'layerNormGradient: eps must be a positive number, got 0',
  ],
  [
    () => layerNormGradient({ m: 4, c: 4, eps: 1 }, { ...norm, dbias: 4 }),
    'SHAPE_MISMATCH',
    'layerNormGradient: dweight and dbias must come together',
  ],
  [
    () => layerNormGradient({ m: 99, c: 4, eps: 1 }, { ...norm, dbias: 4, dweight: 5 }),
    'BAD_ARGUMENT',
    'layerNormGradient: partial must be a buffer of 104 floats',
  ],
  [() => columnSum({ m: 99, n: 4 }, o), 'BAD_ARGUMENT', 'columnSum: partial must be a buffer of 52 floats'],
  [
    () => embeddingGradient({ m: 1, dim: 1, vocabulary: 2 ** 31 }, { ids: 0, dy: 1, out: 2 }),
    'SHAPE_MISMATCH',
    'embeddingGradient: ids are i32, so the vocabulary must be below 2^31',
  ],
  [
    () => maxPoolGradient({ ...map, outHeight: 4, outWidth: 4, size: 2, stride: 2, padding: 0 }, o, half),
    'UNSUPPORTED',
    'maxPoolGradient: gradients must be stored in f32, got act f16',
  ],
  [
    () => resizeBilinearGradient({ ...map, outHeight: 0, outWidth: 1 }, o),
    'BAD_ARGUMENT',
    'resizeBilinearGradient: outHeight must be an integer of at least 1, got 0',
  ],
  [() => fill({ count: 1, value: Number.NaN }, o), 'BAD_ARGUMENT', 'fill: value must be finite, got NaN'],
  [() => adamw({ ...step, step: 0 }, arenas), 'BAD_ARGUMENT', 'adamw: step must be an integer of at least 1, got 0'],
  [() => adamw({ ...step, beta2: 1 }, arenas), 'BAD_ARGUMENT', 'adamw: beta2 must be at least 0 and below 1, got 1'],
  [() => adamw({ ...step, lr: -1 }, arenas), 'BAD_ARGUMENT', 'adamw: lr must be a number of at least 0, got -1'],
  [
    () => adamw({ ...step, weightDecay: Number.NaN }, arenas),
    'BAD_ARGUMENT',
    'adamw: weightDecay must be a number of at least 0, got NaN',
  ],
  [() => adamw({ ...step, eps: 0 }, arenas), 'BAD_ARGUMENT', 'adamw: eps must be a positive number, got 0'],
  [
    () => accumulate({ count: 0 }, { x: 0, sum: 1 }),
    'BAD_ARGUMENT',
    'accumulate: count must be an integer of at least 1, got 0',
  ],
  [
    () => scaleBy({ count: 4, maxNorm: 1 }, { x: 0 }),
    'SHAPE_MISMATCH',
    'scaleBy: maxNorm and squares must come together',
  ],
  [
    () => scaleBy({ count: 4, maxNorm: 0 }, { x: 0, squares: 1 }),
    'BAD_ARGUMENT',
    'scaleBy: maxNorm must be a positive number, got 0',
  ],
  [
    () => scaleBy({ count: 4, factor: Number.POSITIVE_INFINITY }, { x: 0 }),
    'BAD_ARGUMENT',
    'scaleBy: factor must be finite, got Infinity',
  ],
  [
    () => sumOfSquaresPartial({ count: 0 }),
    'BAD_ARGUMENT',
    'sumOfSquares: count must be an integer of at least 1, got 0',
  ],
];

test.each(refused.map(([call, code, text]) => [text, code, call] as const))('refuses: %s', (text, code, call) => {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(TmcaError);
  expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
});

describe('any size gives dispatches within the limits of WebGPU, and partial sums within 128 MiB', () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  const within = (calls: KernelCall<number> | readonly KernelCall<number>[], partial = 0) => {
    for (const call of [calls].flat()) {
      for (const count of call.workgroups) {
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(65535);
      }
      expect(call.bindings.length).toBeLessThanOrEqual(8);
      expect(call.cost.flops).toBeGreaterThan(0);
      expect(call.cost.bytes).toBeGreaterThan(0);
    }
    expect(4 * partial).toBeLessThanOrEqual(2 ** 27);
  };

  test('linear', () => {
    fc.assert(
      fc.property(size(1e6), size(3072), size(3072), (m, k, n) => {
        within(linearInputGradient({ m, k, n }, o));
        const calls = linearWeightGradient({ m, k, n }, { ...o, partial: 4 });
        within(calls, linearWeightGradientPartial({ m, k, n }));
        const { rows, runs } = calls[0]!.uniforms;
        // Every row lies in a run, and no run is empty.
        expect(rows! * runs!).toBeGreaterThanOrEqual(m);
        expect(rows! * (runs! - 1)).toBeLessThan(m);
      }),
    );
  });

  test('conv2d', () => {
    const dims = fc.record({ batch: size(4), height: size(600), width: size(600), channels: size(64) });
    fc.assert(
      fc.property(dims, size(512), size(7), size(4), (d, outChannels, k, stride) => {
        const all = { ...d, outChannels, kernelHeight: k, kernelWidth: k, stride, padding: 3 };
        within(conv2dInputGradient(all, o));
        within(conv2dWeightGradient(all, { ...o, partial: 4 }), conv2dWeightGradientPartial(all));
      }),
    );
  });

  test('depthwise', () => {
    const dims = fc.record({ batch: size(4), height: size(300), width: size(300), channels: size(5000) });
    fc.assert(
      fc.property(dims, d => {
        within(depthwiseInputGradient({ ...d, ...k3 }, o));
        const partial = depthwiseWeightGradientPartial({ ...d, ...k3 });
        within(depthwiseWeightGradient({ ...d, ...k3 }, { ...o, partial: 4 }), partial);
      }),
    );
  });

  test('attention', () => {
    const dims = fc.record({
      batch: size(4),
      queries: size(9000),
      keys: size(9000),
      heads: size(16),
      headDim: size(256),
    });
    fc.assert(fc.property(dims, d => within(attentionGradient(d, attention), attentionGradientStatistics(d))));
  });

  test('layer-norm, column-sum, embedding, sum-of-squares', () => {
    const scratch = { dweight: 4, dbias: 5, partial: 6 };
    fc.assert(
      fc.property(size(4e5), size(5000), (m, c) => {
        within(layerNormGradient({ m, c, eps: 1 }, { ...norm, ...scratch }), layerNormGradientPartial({ m, c }));
        within(columnSum({ m, n: c }, { ...o, partial: 4 }), columnSumPartial({ m, n: c }));
        within(embeddingGradient({ m, dim: c, vocabulary: 30522 }, { ids: 0, dy: 1, out: 2 }));
        within(sumOfSquares({ count: m * c }, { x: 0, partial: 1, out: 2 }), sumOfSquaresPartial({ count: m * c }));
      }),
    );
  });
});
