// Factories of the kernels that multiply: what they refuse, which variant they choose, and that a dispatch fits the limits.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { KernelCall } from '../../gpu/kernel.js';
import { attention } from '../../gpu/kernels/attention/attention.js';
import { conv2d } from '../../gpu/kernels/convolution/conv2d.js';
import { depthwise } from '../../gpu/kernels/convolution/depthwise.js';
import { depthwiseNorm } from '../../gpu/kernels/convolution/depthwise-norm.js';
import { linear } from '../../gpu/kernels/matmul/linear.js';

const f32 = { act: 'f32', weight: 'f32' } as const;
const map = { batch: 1, height: 8, width: 8, channels: 4 };
const k3 = { kernelHeight: 3, kernelWidth: 3 };
const token = { batch: 1, queries: 4, keys: 4, heads: 2, headDim: 8 };

const xwo = { x: 0, weight: 1, out: 2 };
const qkvo = { q: 0, k: 1, v: 2, out: 3 };

const refused: [title: string, call: () => unknown, code: string, text: string][] = [
  [
    'no rows',
    () => linear({ m: 0, k: 4, n: 4 }, xwo, f32),
    'BAD_ARGUMENT',
    'linear: m must be an integer of at least 1, got 0',
  ],
  [
    'half a column',
    () => linear({ m: 1, k: 4, n: 1.5 }, xwo, f32),
    'BAD_ARGUMENT',
    'n must be an integer of at least 1, got 1.5',
  ],
  [
    'a pitch shorter than a row',
    () => linear({ m: 2, k: 8, n: 4, x: { offset: 0, pitch: 7 } }, xwo, f32),
    ...([
      'SHAPE_MISMATCH',
      'linear: x must start at a natural number and have rows at least 8 elements apart',
    ] as const),
  ],
  [
    'a shuffle that does not divide',
    () => linear({ m: 4, k: 4, n: 6, shuffle: { height: 2, width: 2, block: 2 } }, xwo, f32),
    ...(['SHAPE_MISMATCH', 'output channels must be a multiple of block² = 4, got 6'] as const),
  ],
  [
    'rows that are no whole maps',
    () => linear({ m: 5, k: 4, n: 4, shuffle: { height: 2, width: 2, block: 2 } }, xwo, f32),
    ...(['SHAPE_MISMATCH', 'm must be whole maps of 2 x 2 pixels, got 5'] as const),
  ],
  [
    'a window larger than the map',
    () => conv2d({ ...map, height: 2, outChannels: 1, ...k3 }, xwo, f32),
    ...(['SHAPE_MISMATCH', 'conv2d: the kernel must fit into the padded map, got 3 x 3 on 2 x 8'] as const),
  ],
  [
    'channels of a second source that is absent',
    () => conv2d({ ...map, channels2: 4, outChannels: 1, ...k3 }, xwo, f32),
    ...(['SHAPE_MISMATCH', 'x2 and channels2 must come together, got no x2 and 4 channels'] as const),
  ],
  [
    'a second source without channels',
    () => conv2d({ ...map, outChannels: 1, ...k3 }, { ...xwo, x2: 3 }, f32),
    ...(['SHAPE_MISMATCH', 'got x2 and 0 channels'] as const),
  ],
  [
    'negative padding',
    () => conv2d({ ...map, outChannels: 1, ...k3, padding: -1 }, xwo, f32),
    ...(['BAD_ARGUMENT', 'conv2d: padding must be an integer of at least 0, got -1'] as const),
  ],
  [
    'an even depthwise kernel',
    () => depthwise({ ...map, kernelHeight: 3, kernelWidth: 2 }, xwo, f32),
    ...(['UNSUPPORTED', 'depthwise: kernels must have odd sides, got 3 x 2; pad the weight with zeros'] as const),
  ],
  [
    'an eps of zero',
    () => depthwiseNorm({ ...map, ...k3, eps: 0 }, xwo, f32),
    ...(['BAD_ARGUMENT', 'depthwiseNorm: eps must be a positive number, got 0'] as const),
  ],
  [
    'a head of 257',
    () => attention({ ...token, headDim: 257 }, qkvo, f32),
    ...(['UNSUPPORTED', 'attention: headDim must be at most 256, got 257; use more heads'] as const),
  ],
  [
    'keys that overlap',
    () => attention({ ...token, k: { offset: 0, pitch: 15 } }, qkvo, f32),
    ...([
      'SHAPE_MISMATCH',
      'attention: k must start at a natural number and have rows at least 16 elements apart',
    ] as const),
  ],
];

test.each(refused)('refuses %s', (_, call, code, text) => {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(TmcaError);
  expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
});

describe('any size gives a dispatch within the limits of WebGPU', () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  const within = (call: KernelCall<number>) => {
    for (const count of call.workgroups) {
      expect(count).toBeGreaterThanOrEqual(1);
      expect(count).toBeLessThanOrEqual(65535);
    }
    expect(call.bindings.length).toBeLessThanOrEqual(8);
    expect(call.cost.flops).toBeGreaterThan(0);
    expect(call.cost.bytes).toBeGreaterThan(0);
  };

  test('linear', () => {
    fc.assert(fc.property(size(4e6), size(800), size(5000), (m, k, n) => within(linear({ m, k, n }, xwo, f32))));
  });

  test('conv2d', () => {
    const dims = fc.record({ batch: size(4), height: size(600), width: size(600), channels: size(64) });
    fc.assert(
      fc.property(dims, size(512), size(7), (d, outChannels, k) =>
        within(conv2d({ ...d, outChannels, kernelHeight: k, kernelWidth: k, padding: 3 }, xwo, f32)),
      ),
    );
  });

  test('depthwise covers every channel of every pixel', () => {
    const dims = fc.record({ batch: size(4), height: size(300), width: size(300), channels: size(5000) });
    fc.assert(
      fc.property(dims, d => {
        const call = depthwise({ ...d, ...k3 }, xwo, f32);
        within(call);
        const { LANES, GROUPS, PIXELS, PACKETS } = call.shader.tile!;
        expect(LANES! * GROUPS!).toBe(64);
        expect(LANES! * PACKETS! * (d.channels % 4 === 0 ? 4 : 1)).toBeGreaterThanOrEqual(d.channels);
        const [x, y] = call.workgroups;
        expect(x * y * GROUPS!).toBeGreaterThanOrEqual(d.batch * d.height * Math.ceil(d.width / PIXELS!));
      }),
    );
  });

  test('attention', () => {
    const dims = fc.record({
      batch: size(4),
      queries: size(20000),
      keys: size(20000),
      heads: size(16),
      headDim: size(256),
    });
    fc.assert(fc.property(dims, d => within(attention(d, qkvo, f32))));
  });
});

test('an empty operand and one of 0 are told apart: operand 0 is an operand', () => {
  const call = linear({ m: 1, k: 4, n: 4 }, { x: 1, weight: 2, bias: 0, out: 3 }, f32);
  expect(call.uniforms).toMatchObject({ has_bias: 1, has_rows: 0, has_residual: 0, has_scale: 0 });
  expect(call.bindings.map(binding => binding.operand)).toEqual([1, 2, 0, null, null, 3, null]);
});

test('cost counts a multiply-add twice and every operand once', () => {
  const { cost } = linear({ m: 10, k: 20, n: 30 }, { x: 0, weight: 1, bias: 2, out: 3 }, { act: 'f16', weight: 'f16' });
  expect(cost).toEqual({ flops: 10 * 30 * 41, bytes: 2 * (200 + 600 + 300) + 4 * 30 });
});
