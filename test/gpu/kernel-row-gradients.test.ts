// Gradients that need no matrix product: LayerNorm, BatchNorm, GELU, biases, embeddings, bilinear resizing.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { geluGradient } from '../../gpu/kernels/elementwise/gelu-gradient.js';
import { embeddingGradient } from '../../gpu/kernels/movement/embedding-gradient.js';
import type { ResizeBilinearDims } from '../../gpu/kernels/movement/resize-bilinear.js';
import { resizeBilinear } from '../../gpu/kernels/movement/resize-bilinear.js';
import { resizeBilinearGradient } from '../../gpu/kernels/movement/resize-bilinear-gradient.js';
import { batchNorm, batchNormGradient, batchNormGradientPartial } from '../../gpu/kernels/norm/batch-norm.js';
import { batchStatistics, batchStatisticsPartial } from '../../gpu/kernels/norm/batch-statistics.js';
import { layerNormGradient, layerNormGradientPartial } from '../../gpu/kernels/norm/layer-norm-gradient.js';
import { columnSum, columnSumPartial } from '../../gpu/kernels/reduction/column-sum.js';
import { erf } from '../../graph/ops/shared/erf.js';
import { expectClose, tolerance } from '../tolerance.js';
import { floats, given, repeatable, written } from './gradient-harness.js';
import { getGpu, runKernel } from './harness.js';
import { layerNormGradientReference } from './reference-gradients.js';
import { noise } from './reference-kernels.js';

describe('layer-norm', () => {
  const cases = [
    { m: 1, c: 1, weight: true },
    { m: 7, c: 33, weight: true },
    { m: 70, c: 13, weight: false },
    { m: 33, c: 68, weight: true },
    { m: 333, c: 4, weight: true },
  ];

  test.each(cases)('[$m,$c], weight $weight', async ({ m, c, weight }) => {
    const dims = { m, c, eps: 1e-5 };
    // A mean far from zero: a variance by E[x²] - E[x]² would be lost.
    const x = noise(m * c, 1).map(v => v + 20);
    const data = { x, dy: noise(m * c, 2, 1 / Math.sqrt(m)), ...(weight && { weight: noise(c, 3) }) };
    const expected = layerNormGradientReference(dims, data);
    const partial = layerNormGradientPartial(dims);
    const calls = layerNormGradient(dims, {
      ...{ x: 0, dy: 1, weight: weight ? 2 : null, dx: 3, statistics: 4 },
      ...{ dweight: 5, dbias: 6, partial: 7 },
    });
    expect(calls[0]!.shader.packet).toBe(c % 4 === 0 ? 4 : 1);
    expect(calls.length, 'calls').toBe(3);
    const results = await repeatable(await getGpu(), calls, [
      ...[data.x, data.dy, data.weight ?? [0]].map(given),
      ...[m * c, 2 * m, c, c, partial].map(floats),
    ]);
    // x near 20 is stored to 1e-6, and normalised that is up to 1e-5 of a row's spread.
    const allowed = { abs: 5e-5, rel: 1e-4 };
    expectClose(written(calls, results, 3), expected.dx, c === 1 ? tolerance.f32 : allowed);
    expectClose(written(calls, results, 5), expected.dweight, allowed);
    expectClose(written(calls, results, 6), expected.dbias, tolerance.f32);
  });

  test('dx alone is one call', () => {
    expect(layerNormGradient({ m: 3, c: 8, eps: 1e-5 }, { x: 0, dy: 1, dx: 2, statistics: 3 }).length).toBe(1);
  });
});

describe('batch-norm', () => {
  const cases = [
    { m: 1, c: 1, slope: 1 },
    { m: 7, c: 33, slope: 0.01 },
    { m: 5003, c: 3, slope: 0.1 },
    { m: 333, c: 24, slope: 0.01 },
  ];

  /** Statistics, output and derivatives as their definitions say, in double precision. */
  function reference({ m, c, slope }: (typeof cases)[number], { x, weight, bias, dy }: Record<string, Float32Array>) {
    const eps = 1e-5;
    const column = (k: number) => Array.from({ length: m }, (_, row) => row * c + k);
    const found = { mean: [], variance: [], dweight: [], dbias: [] } as Record<string, number[]>;
    const [y, dx] = [new Float64Array(m * c), new Float64Array(m * c)];
    for (let k = 0; k < c; k++) {
      const at = column(k);
      const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / m;
      const mean = average(at.map(i => x![i]!));
      const variance = average(at.map(i => (x![i]! - mean) ** 2));
      const scale = 1 / Math.sqrt(variance + eps);
      const n = at.map(i => (x![i]! - mean) * scale);
      const above = n.map(v => v * weight![k]! + bias![k]! > 0);
      at.forEach((i, row) => {
        y[i] = (n[row]! * weight![k]! + bias![k]!) * (above[row] ? 1 : slope);
      });
      const g = at.map((i, row) => dy![i]! * (above[row] ? 1 : slope));
      const [ofBias, ofWeight] = [average(g), average(g.map((v, row) => v * n[row]!))];
      at.forEach((i, row) => {
        dx[i] = weight![k]! * scale * (g[row]! - ofBias - n[row]! * ofWeight);
      });
      for (const [name, value] of Object.entries({ mean, variance, dweight: ofWeight * m, dbias: ofBias * m }))
        found[name]!.push(value);
    }
    return { statistics: [...found.mean!, ...found.variance!], y, dx, dweight: found.dweight!, dbias: found.dbias! };
  }

  test.each(cases)('[$m,$c], slope $slope', async dims => {
    const { m, c } = dims;
    // A mean far from zero: a variance by E[x²] - E[x]² would be lost.
    const data = {
      x: noise(m * c, 1).map(v => v + 20),
      weight: noise(c, 2),
      bias: noise(c, 3),
      dy: noise(m * c, 4, 1 / Math.sqrt(m)),
    };
    const expected = reference(dims, data);
    const all = { ...dims, eps: 1e-5 };
    const calls = [
      ...batchStatistics(dims, { x: 0, partial: 4, statistics: 5 }),
      batchNorm(all, { x: 0, weight: 1, bias: 2, statistics: 5, out: 6 }),
      ...batchNormGradient(all, {
        ...{ x: 0, weight: 1, statistics: 5, y: 6, dy: 3, partial: 7, dx: 8, dweight: 9, dbias: 10 },
      }),
    ];
    expect(calls.map(call => call.shader.packet === 4).filter(Boolean).length).toBe(c % 4 === 0 ? 2 : 0);
    const results = await repeatable(await getGpu(), calls, [
      ...[data.x, data.weight, data.bias, data.dy].map(given),
      ...[batchStatisticsPartial(dims), 2 * c, m * c, batchNormGradientPartial(dims), m * c, c, c].map(floats),
    ]);
    // x near 20 is stored to 1e-6, and normalised that is up to 1e-5 of a column's spread.
    const allowed = { abs: 5e-5, rel: 1e-4 };
    expectClose(written(calls, results, 5), expected.statistics, { abs: 2e-6, rel: 2e-7 });
    expectClose(written(calls, results, 6), expected.y, allowed);
    expectClose(written(calls, results, 8), expected.dx, m === 1 ? tolerance.f32 : allowed);
    expectClose(written(calls, results, 9), expected.dweight, allowed);
    expectClose(written(calls, results, 10), expected.dbias, tolerance.f32);
  });
});

describe('gelu', () => {
  test.each([1, 33, 4, 1300])('%i elements', async count => {
    const [x, dy] = [noise(count, 1, 4), noise(count, 2)];
    const slope = (v: number) =>
      0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp(-0.5 * v * v)) / Math.sqrt(2 * Math.PI);
    const calls = [geluGradient({ count }, { x: 0, dy: 1, out: 2 })];
    const [out] = await repeatable(await getGpu(), calls, [given(x), given(dy), floats(count)]);
    expectClose(
      out!,
      Array.from(x, (v, i) => dy[i]! * slope(v)),
      { abs: 1e-6, rel: 1e-6 },
    );
  });

  test('far from zero it is the identity, or nothing', async () => {
    const calls = [geluGradient({ count: 4 }, { x: 0, dy: 1, out: 2 })];
    const buffers = [given([-200, -15, 15, 200]), given([1, 1, 1, 1]), floats(4)];
    const [out] = await repeatable(await getGpu(), calls, buffers);
    expectClose(out!, [0, 0, 1, 1], { abs: 1e-28, rel: 0 });
  });
});

describe('column-sum', () => {
  test.each([
    { m: 1, n: 1 },
    { m: 15, n: 33 },
    { m: 5003, n: 3 },
    { m: 40, n: 40000 },
  ])('[$m,$n]', async ({ m, n }) => {
    const x = noise(m * n, 1, 1 / Math.sqrt(m));
    const expected = new Float64Array(n);
    x.forEach((v, i) => {
      expected[i % n]! += v;
    });
    const partial = columnSumPartial({ m, n });
    const calls = columnSum({ m, n }, { x: 0, partial: 1, out: 2 });
    expect(calls.length, 'calls').toBe(partial === 0 ? 1 : 2);
    const results = await repeatable(await getGpu(), calls, [given(x), floats(partial), floats(n)]);
    expectClose(written(calls, results, 2), expected, tolerance.f32);
  });
});

describe('embedding', () => {
  const check = async (ids: number[], dim: number, vocabulary: number) => {
    const dy = noise(ids.length * dim, 1);
    // In f32, in the order that the kernel promises: every bit must agree.
    const expected = new Float32Array(vocabulary * dim);
    ids.forEach((id, row) => {
      const token = Math.min(Math.max(id, 0), vocabulary - 1);
      for (let i = 0; i < dim; i++)
        expected[token * dim + i] = Math.fround(expected[token * dim + i]! + dy[row * dim + i]!);
    });
    const calls = embeddingGradient({ m: ids.length, dim, vocabulary }, { ids: 0, dy: 1, out: 2 });
    const buffers = [{ data: ids, storage: 'i32' } as const, given(dy), floats(vocabulary * dim)];
    const [out] = await repeatable(await getGpu(), calls, buffers);
    expectClose(out!, expected, tolerance.exact);
  };

  test('one id', () => check([0], 1, 1));
  test('a word again and again, and more columns than a workgroup', () => check([5, 2, 5, 5, 0, 2, 5], 77, 9));
  test('quads, more of them than a workgroup', () => check([3, 3, 1, 3, 6, 1], 268, 7));
  test('ids outside the table count for its ends', () => check([-1, 0, 12, 4, 99], 8, 5));
  test('the same id further apart than a workgroup is wide', () =>
    check(
      Array.from({ length: 200 }, (_, i) => (i * 7) % 90),
      5,
      101,
    ));

  test('any ids', async () => {
    const ids = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 150 });
    await fc.assert(
      fc.asyncProperty(ids, ids => check(ids, 4, 21)),
      { numRuns: 8 },
    );
  });
});

describe('resize-bilinear', () => {
  const sizes: ResizeBilinearDims[] = [
    { batch: 1, height: 1, width: 1, channels: 1, outHeight: 3, outWidth: 5 },
    { batch: 2, height: 7, width: 5, channels: 3, outHeight: 14, outWidth: 10 },
    { batch: 2, height: 3, width: 4, channels: 8, outHeight: 6, outWidth: 8 },
    { batch: 1, height: 13, width: 33, channels: 1, outHeight: 7, outWidth: 50 },
    { batch: 1, height: 5, width: 5, channels: 4, outHeight: 2, outWidth: 1 },
    { batch: 1, height: 2, width: 9, channels: 4, outHeight: 31, outWidth: 9 },
  ];

  /** Σ dy · resize(x) = Σ dx · x for every x defines dx: taken with each unit vector, it is the transposed matrix. */
  async function transposed(dims: ResizeBilinearDims, dy: Float32Array): Promise<Float64Array> {
    const { height, width, channels, batch, outHeight, outWidth } = dims;
    // All unit vectors of one map and channel at once, as a batch of one channel.
    const cells = height * width;
    const identity = Float32Array.from({ length: cells * cells }, (_, i) =>
      Number(Math.floor(i / cells) === i % cells),
    );
    const one = { batch: cells, height, width, channels: 1, outHeight, outWidth };
    const [matrix] = await runKernel(await getGpu(), resizeBilinear(one, { x: 0, out: 1 }, { act: 'f32' }), [
      given(identity),
      floats(cells * outHeight * outWidth),
    ]);
    const dx = new Float64Array(batch * cells * channels);
    const targets = outHeight * outWidth;
    for (let b = 0; b < batch; b++)
      for (let cell = 0; cell < cells; cell++)
        for (let c = 0; c < channels; c++)
          for (let t = 0; t < targets; t++)
            dx[(b * cells + cell) * channels + c]! +=
              matrix![cell * targets + t]! * dy[(b * targets + t) * channels + c]!;
    return dx;
  }

  test.each(sizes)('[$batch,$height,$width,$channels] from $outHeight x $outWidth', async dims => {
    const dy = noise(dims.batch * dims.outHeight * dims.outWidth * dims.channels, 1);
    const expected = await transposed(dims, dy);
    const calls = [resizeBilinearGradient(dims, { dy: 0, out: 1 })];
    const [dx] = await repeatable(await getGpu(), calls, [given(dy), floats(expected.length)]);
    expectClose(dx!, expected, tolerance.f32);
  });

  test('any sizes: the transpose of the resize that the device does', async () => {
    const side = fc.integer({ min: 1, max: 12 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.integer({ min: 1, max: 40 }),
        side,
        async (height, width, outHeight, outWidth) => {
          const dims = { batch: 1, height, width, channels: 1, outHeight, outWidth };
          const dy = noise(outHeight * outWidth, 1);
          const [dx] = await repeatable(
            await getGpu(),
            [resizeBilinearGradient(dims, { dy: 0, out: 1 })],
            [given(dy), floats(height * width)],
          );
          expectClose(dx!, await transposed(dims, dy), tolerance.f32);
        },
      ),
      { numRuns: 15 },
    );
  });
});
