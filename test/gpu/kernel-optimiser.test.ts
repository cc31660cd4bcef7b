// The kernels of a training step over flat arenas: accumulate, adamw, sum-of-squares, scale-by, fill.

import { describe, expect, test } from 'vitest';
import { CommandPlan } from '../../gpu/commands.js';
import { fill } from '../../gpu/kernels/elementwise/fill.js';
import { accumulate } from '../../gpu/kernels/optimiser/accumulate.js';
import { type AdamwDims, adamw, adamwUniforms } from '../../gpu/kernels/optimiser/adamw.js';
import { movingAverage } from '../../gpu/kernels/optimiser/moving-average.js';
import { scaleBy } from '../../gpu/kernels/optimiser/scale-by.js';
import { sumOfSquares, sumOfSquaresPartial } from '../../gpu/kernels/optimiser/sum-of-squares.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import { expectClose, tolerance } from '../tolerance.js';
import { floats, given, repeatable, written } from './gradient-harness.js';
import { getGpu } from './harness.js';
import { noise } from './reference-kernels.js';

type Settings = Omit<AdamwDims, 'count' | 'step'>;

const settings: Settings = { lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-6, weightDecay: 0.1 };

/** Algorithm 2 of arXiv:1711.05101, one parameter at a time in f64. */
function adamwReference(start: ArrayLike<number>, gradients: readonly ArrayLike<number>[], s: Settings) {
  const [p, m, v] = [Float64Array.from(start), new Float64Array(start.length), new Float64Array(start.length)];
  gradients.forEach((gradient, t) => {
    for (let i = 0; i < p.length; i++) {
      const g = gradient[i]!;
      m[i] = s.beta1 * m[i]! + (1 - s.beta1) * g;
      v[i] = s.beta2 * v[i]! + (1 - s.beta2) * g * g;
      const mean = m[i]! / (1 - s.beta1 ** (t + 1));
      const root = Math.sqrt(v[i]! / (1 - s.beta2 ** (t + 1)));
      p[i]! -= s.lr * s.weightDecay * p[i]!;
      p[i]! -= (s.lr * mean) / (root + s.eps);
    }
  });
  return { p, m, v };
}

describe('adamw', () => {
  test.each([1, 7, 64, 1001, 4096])('three steps of %i parameters', async count => {
    const start = noise(count, 1, 3);
    // Large, small and absent gradients: a step's size depends on none of it.
    const gradients = [2, 3, 4].map(seed => noise(count, seed).map((g, i) => g * [1, 1e-4, 0, 50][i % 4]!));
    const calls = gradients.map((_, t) =>
      adamw({ count, ...settings, step: t + 1 }, { parameters: 0, gradients: 1 + t, m: 4, v: 5 }),
    );
    const zeros = given(new Float32Array(count));
    const buffers = [given(start), ...gradients.map(given), zeros, zeros];
    const results = await repeatable(await getGpu(), calls, buffers);
    const { p, m, v } = adamwReference(start, gradients, settings);
    expectClose(written(calls, results, 0), p, tolerance.f32);
    expectClose(written(calls, results, 4), m, tolerance.f32);
    expectClose(written(calls, results, 5), v, tolerance.f32);
  });

  test('the first step goes against the gradient by the learning rate, however large or small it is', async () => {
    const call = adamw(
      { count: 4, ...settings, eps: 1e-12, weightDecay: 0, step: 1 },
      { parameters: 0, gradients: 1, m: 2, v: 3 },
    );
    const zeros = given([0, 0, 0, 0]);
    const [p] = await repeatable(
      await getGpu(),
      [call],
      [given([1, 1, 1, 1]), given([1e3, -1e3, 1e-4, 0]), zeros, zeros],
    );
    expectClose(p!, [0.99, 1.01, 0.99, 1], tolerance.f32);
  });

  test('uniforms of a later step replace those of a plan', async () => {
    const gpu = await getGpu();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffers = await Promise.all(
      [[2], [0.5], [0], [0]].map(async ([x], i) => {
        const buffer = await gpu.createBuffer({ label: `adamw ${i}`, size: 16, usage, kind: 'other' });
        gpu.device.queue.writeBuffer(buffer, 0, new Float32Array([x!, 0, 0, 0]));
        return { buffer, offset: 0, size: 16 };
      }),
    );
    const [parameters, gradients, m, v] = buffers as [(typeof buffers)[0], ...typeof buffers];
    const step = (t: number): AdamwDims => ({ count: 1, ...settings, lr: 0.1 / t, step: t });
    const call = adamw(step(1), { parameters, gradients: gradients!, m: m!, v: v! });
    using plan = await CommandPlan.create(new PipelineCache(gpu), 'steps', [call]);
    for (const t of [1, 2, 3]) {
      plan.setUniforms(0, adamwUniforms(step(t)));
      plan.submit();
    }
    using readback = new Readback(gpu);
    const { buffer } = await readback.read(parameters);
    // A constant gradient: every step is the learning rate, after the decay.
    const expected = [1, 2, 3].reduce((p, t) => p * (1 - (0.1 / t) * 0.1) - 0.1 / t, 2);
    expectClose(new Float32Array(buffer, 0, 1), [expected], tolerance.f32);
    for (const range of buffers) gpu.destroyBuffer(range.buffer);
  });
});

describe('sum-of-squares', () => {
  test.each([1, 63, 4097, 300_001])('%i numbers', async count => {
    const x = noise(count, count);
    const partial = sumOfSquaresPartial({ count });
    const calls = sumOfSquares({ count }, { x: 0, partial: 1, out: 2 });
    const results = await repeatable(await getGpu(), calls, [given(x), floats(partial), floats(1)]);
    const expected = x.reduce((sum, v) => sum + v * v, 0);
    expectClose(written(calls, results, 2), [expected], tolerance.f32);
  });
});

describe('accumulate', () => {
  test.each([1, 7, 256, 1001, 4096])('%i numbers added to what is there', async count => {
    const [x, sum] = [noise(count, 1), noise(count, 2)];
    const call = accumulate({ count }, { x: 0, sum: 1 });
    const results = await repeatable(await getGpu(), [call], [given(x), given(sum)]);
    expectClose(
      written([call], results, 1),
      sum.map((v, i) => Math.fround(v + x[i]!)),
      tolerance.exact,
    );
  });
});

describe('scale-by', () => {
  test.each([5, 1000])('%i numbers times a factor', async count => {
    const x = noise(count, 1);
    const call = scaleBy({ count, factor: -0.25 }, { x: 0 });
    const [y] = await repeatable(await getGpu(), [call], [given(x)]);
    expectClose(
      y!,
      x.map(v => v * -0.25),
      tolerance.exact,
    );
  });

  test.each([
    ['clipped', { maxNorm: 1 }, 0.2],
    ['below the limit: as it was', { maxNorm: 6 }, 1],
    ['the limit holds after the factor', { maxNorm: 1, factor: -0.5 }, -0.2],
    ['a factor that brings it below', { maxNorm: 1, factor: 0.1 }, 0.1],
  ] as const)('a vector of norm 5, in two parts: %s', async (_, limits, scale) => {
    const call = scaleBy({ count: 4, parts: 2, ...limits }, { x: 0, squares: 1 });
    const [y] = await repeatable(await getGpu(), [call], [given([3, 0, 0, 2]), given([13, 12])]);
    expectClose(y!, [3 * scale, 0, 0, 2 * scale], tolerance.f32);
  });

  test('the norm of what was measured and clipped, without a readback between', async () => {
    const x = noise(1003, 1, 4);
    const norm = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
    const calls = [
      ...sumOfSquares({ count: x.length }, { x: 0, partial: 1, out: 2 }),
      scaleBy({ count: x.length, maxNorm: 0.5 }, { x: 0, squares: 2 }),
    ];
    const results = await repeatable(await getGpu(), calls, [given(x), floats(1), floats(1)]);
    expectClose(
      written(calls, results, 0),
      x.map(v => (v * 0.5) / norm),
      tolerance.f32,
    );
  });

  test('zeros stay zeros', async () => {
    const call = scaleBy({ count: 3, maxNorm: 1 }, { x: 0, squares: 1 });
    const [y] = await repeatable(await getGpu(), [call], [given([0, 0, 0]), given([0])]);
    expect([...y!]).toEqual([0, 0, 0]);
  });
});

describe('moving-average', () => {
  test.each([1, 6, 8, 1028])('%i numbers, and none beyond', async count => {
    const [x, average] = [noise(count + 4, 1), noise(count + 4, 2)];
    const call = movingAverage({ count, rate: 0.1 }, { x: 0, average: 1 });
    const [y] = await repeatable(await getGpu(), [call], [given(x), given(average)]);
    const expected = average.map((a, i) => (i < count ? a + 0.1 * (x[i]! - a) : a));
    expectClose(y!, expected, tolerance.f32);
  });

  test('what stands still stays as it is, bit for bit', async () => {
    const x = Float32Array.from(noise(64, 3));
    const call = movingAverage({ count: 64, rate: 0.3 }, { x: 0, average: 1 });
    const [y] = await repeatable(await getGpu(), [call], [given(x), given(x)]);
    expect(y!).toEqual(x);
  });

  test('a rate beyond 0 to 1 is refused', () => {
    for (const rate of [-0.1, 1.1, Number.NaN])
      expect(() => movingAverage({ count: 4, rate }, { x: 0, average: 1 })).toThrow(
        /movingAverage: rate must be a number from 0 to 1, got/,
      );
  });
});

test.each([1, 6, 8, 1028])('fill: %i numbers, and none beyond', async count => {
  const call = fill({ count, value: -1.5 }, { out: 0 });
  const [y] = await repeatable(await getGpu(), [call], [given(new Float32Array(count + 4))]);
  expect([...y!]).toEqual([...new Array(count).fill(-1.5), 0, 0, 0, 0]);
});
