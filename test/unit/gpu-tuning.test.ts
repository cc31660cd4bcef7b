// How factories cut their work: by knobs, by lanes, by the choices of a tuner.

import { describe, expect, test } from 'vitest';
import {
  conv2dWeightGradient,
  conv2dWeightGradientPartial,
} from '../../gpu/kernels/convolution/conv2d-weight-gradient.js';
import { linear } from '../../gpu/kernels/matmul/linear.js';
import { reduce } from '../../gpu/kernels/reduction/reduce.js';
import { moduleKey, shaderKey } from '../../gpu/shader.js';
import { hardwareTuning, shapeClass, type Tuning } from '../../gpu/tuning.js';
import { parseConfig } from '../../networks/config.js';
import { PRESETS } from '../../networks/presets.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';

const lanes8: Tuning = { ...hardwareTuning, lanes: 8 };
const operands = { x: 0, weight: 1, out: 2 };
const fp32 = { act: 'f32', weight: 'f32' } as const;

describe('factories', () => {
  test('hardware is what a factory assumes', () => {
    const dims = { m: 3136, k: 96, n: 384 };
    expect(linear(dims, operands, fp32)).toEqual(linear(dims, operands, { ...fp32, tuning: hardwareTuning }));
    expect(linear(dims, operands, fp32).shader.swap).toBeUndefined();
  });

  test('eight lanes: tiles of 16 x 24, one workgroup each, no workgroup memory', () => {
    const call = linear({ m: 50, k: 96, n: 100 }, operands, { ...fp32, tuning: lanes8 });
    expect(call.shader).toMatchObject({ swap: { 'gemm-tile': 'gemm-lanes' }, tile: { LANES: 8, OWN: 2, COLUMNS: 3 } });
    expect(call.workgroups).toEqual([4 * 5, 1, 1]);
  });

  test('three columns a lane or four, whichever cover the outputs', () => {
    const cut = (n: number, tuning = lanes8) => {
      const { shader, workgroups } = linear({ m: 50, k: 96, n }, operands, { ...fp32, tuning });
      return [shader.tile?.COLUMNS, workgroups[0]];
    };
    expect(cut(24)).toEqual([3, 4]);
    expect(cut(64)).toEqual([4, 4 * 2]);
    expect(cut(96)).toEqual([3, 4 * 4]);
    // not covered by either: one pipeline for them all
    expect([cut(23)[0], cut(40)[0], cut(100)[0]]).toEqual([3, 3, 3]);
  });

  test('four lanes: one row each, and of columns rather four', () => {
    const cut = (n: number) => {
      const { shader, workgroups } = linear({ m: 50, k: 96, n }, operands, {
        ...fp32,
        tuning: { ...lanes8, lanes: 4 },
      });
      return [shader.tile?.OWN, shader.tile?.COLUMNS, workgroups[0]];
    };
    expect(cut(24)).toEqual([1, 3, 13 * 2]);
    expect(cut(48)).toEqual([1, 4, 13 * 3]);
    expect(cut(23)).toEqual([1, 4, 13 * 2]);
  });

  test('a lane sums a short run alone; long ones are shared out as everywhere', () => {
    const cut = (n: number, tuning?: Tuning) =>
      reduce({ outer: 8, n, inner: 96, kind: 'sum' }, { x: 0, out: 1 }, { act: 'f32', tuning }).shader.tile;
    expect(cut(128, lanes8)).toEqual({ COLUMNS: 64, SLICES: 1 });
    expect(cut(128)!.SLICES).toBeGreaterThan(1);
    expect(cut(513, lanes8)).toEqual(cut(513));
  });

  test('scratch for partial sums is that of the tuning', () => {
    const map = { batch: 4, height: 32, width: 32, channels: 16, outChannels: 16, kernelHeight: 3, kernelWidth: 3 };
    const dims = { ...map, padding: 1 };
    for (const tuning of [hardwareTuning, lanes8]) {
      const calls = conv2dWeightGradient(dims, { x: 0, dy: 1, partial: 2, out: 3 }, { ...fp32, tuning });
      expect(calls[1]!.uniforms.n, 'runs').toBe(conv2dWeightGradientPartial(dims, tuning) / (16 * 9 * 16));
    }
    expect(conv2dWeightGradientPartial(dims, lanes8)).toBeLessThan(conv2dWeightGradientPartial(dims, hardwareTuning));
  });

  test('a choice for the class of shapes takes the place of what the knobs say, for that class alone', () => {
    const dims = { m: 3136, k: 96, n: 384 };
    const usual = linear(dims, operands, fp32);
    expect(usual.cut).toEqual({ shape: 'linear-vec4 f32/f32 4096x512x128', variant: '64x64' });
    const tuning = { ...hardwareTuning, choices: { [usual.cut!.shape]: '128x64' } };
    const chosen = linear(dims, operands, { ...fp32, tuning });
    expect(chosen.cut!.variant).toBe('128x64');
    expect(chosen.shader.tile).toEqual({ LINES: 16, TILE_M: 8, TILE_N: 8 });
    expect(chosen.workgroups).toEqual([25 * 6, 1, 1]);
    expect(linear({ ...dims, m: 3000 }, operands, { ...fp32, tuning }).cut!.variant, 'the same class').toBe('128x64');
    expect(linear({ ...dims, m: 5000 }, operands, { ...fp32, tuning }).cut!.variant, 'another').toBe('64x64');
    expect(linear(dims, operands, { act: 'f32', weight: 'f16', tuning }).cut!.variant, 'other types').toBe('64x64');
  });

  test('knobs: tiles, and from how many workgroups on', () => {
    const { knobs } = hardwareTuning;
    const dims = { m: 640, k: 64, n: 640 };
    const cutAt = (enough: number) => {
      const linearKnobs = { ...knobs.linear, large: '128x64', small: '32x64', enough } as const;
      return linear(dims, operands, { ...fp32, tuning: { lanes: 0, knobs: { ...knobs, linear: linearKnobs } } });
    };
    expect([cutAt(50).cut!.variant, cutAt(51).cut!.variant]).toEqual(['128x64', '32x64']);
    expect([cutAt(50).workgroups[0], cutAt(51).workgroups[0]]).toEqual([5 * 10, 20 * 10]);
  });

  test('sizes of a class are rounded up to powers of two', () => {
    expect(shapeClass('conv2d', ['f16', 'i8'], [1, 2, 3, 64, 65])).toBe('conv2d f16/i8 1x2x4x64x128');
  });
});

describe('pipelines of the full network', () => {
  const config = parseConfig(PRESETS.full.model, 'full');
  const precision = choosePrecision('fp32', 'fp32', true);
  const callsFor = (tuning: Tuning) => {
    const { frame, text } = buildPrograms(config, 16, precision, tuning);
    return [...frame.calls, ...text.calls];
  };
  const features = { f16: true, subgroups: true };

  test('on a CPU, where each costs as much as a frame: one a kernel, and of products one a number of columns', () => {
    const calls = callsFor(lanes8);
    const keys = new Set(calls.map(({ shader, constants }) => shaderKey(shader, constants, features)));
    expect(keys.size).toBe(new Set(calls.map(({ shader }) => `${shader.name} ${shader.tile?.COLUMNS}`)).size);
    expect(keys.size).toBeLessThanOrEqual(13);
  });

  test('on a GPU: one a kernel and tile, however a product ends', () => {
    const products = callsFor(hardwareTuning).filter(({ shader }) => /^(linear|conv2d)/.test(shader.name));
    const keys = new Set(products.map(({ shader, constants }) => shaderKey(shader, constants, features)));
    expect(keys).toEqual(new Set(products.map(({ shader }) => `${moduleKey(shader, features)}|`)));
  });
});
