// What an adapter is decides how kernels are cut, and nothing else does.

import { describe, expect, test } from 'vitest';
import { conv2dWeightGradient, conv2dWeightGradientPartial } from '../../gpu/kernels/conv2d-weight-gradient.js';
import { linear } from '../../gpu/kernels/linear.js';
import { gpuTuning, hardwareTuning, type Tuning } from '../../gpu/tuning.js';

const with8 = { subgroupMinSize: 8, subgroupMaxSize: 8 };

describe('gpuTuning', () => {
  test.each([
    ['llvmpipe', { software: true, ...with8 }, true, 8],
    ['SwiftShader', { software: true, subgroupMinSize: 4, subgroupMaxSize: 4 }, true, 4],
    ['software whose subgroups vary', { software: true, subgroupMinSize: 4, subgroupMaxSize: 8 }, true, 0],
    ['software that does not say', { software: true }, true, 0],
    ['software without subgroups', { software: true, ...with8 }, false, 0],
    ['software of a size that no kernel knows', { software: true, subgroupMinSize: 1, subgroupMaxSize: 1 }, true, 0],
    ['hardware, whatever its subgroups', { software: false, ...with8 }, true, 0],
  ] as const)('%s', (_, adapter, subgroups, lanes) => {
    expect(gpuTuning(adapter, { subgroups }).lanes).toBe(lanes);
  });
});

const lanes8: Tuning = { lanes: 8 };
const operands = { x: 0, weight: 1, out: 2 };
const fp32 = { act: 'f32', weight: 'f32' } as const;

describe('factories', () => {
  test('hardware is what a factory assumes', () => {
    const dims = { m: 3136, k: 96, n: 384 };
    expect(linear(dims, operands, fp32)).toEqual(linear(dims, operands, { ...fp32, tuning: hardwareTuning }));
    expect(linear(dims, operands, fp32).shader.swap).toBeUndefined();
  });

  test('eight lanes: tiles of 8 x 32, one workgroup each, no workgroup memory', () => {
    const call = linear({ m: 50, k: 96, n: 100 }, operands, { ...fp32, tuning: lanes8 });
    expect(call.shader).toMatchObject({ swap: { 'gemm-tile': 'gemm-lanes' }, tile: { LANES: 8 } });
    expect(call.workgroups).toEqual([7 * 4, 1, 1]);
  });

  test('scratch for partial sums is that of the tuning', () => {
    const map = { batch: 4, height: 32, width: 32, channels: 16, outChannels: 16, kernelHeight: 3, kernelWidth: 3 };
    const dims = { ...map, padding: 1 };
    for (const tuning of [hardwareTuning, lanes8]) {
      const calls = conv2dWeightGradient(dims, { x: 0, dy: 1, partial: 2, out: 3 }, { ...fp32, tuning });
      expect(calls[1]!.uniforms[1], 'runs').toEqual({ u32: conv2dWeightGradientPartial(dims, tuning) / (16 * 9 * 16) });
    }
    expect(conv2dWeightGradientPartial(dims, lanes8)).toBeLessThan(conv2dWeightGradientPartial(dims, hardwareTuning));
  });
});
