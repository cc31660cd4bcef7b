// reduce and masked-mean: sums along an axis.

import { describe, expect, test } from 'vitest';
import { maskedMean } from '../../gpu/kernels/reduction/masked-mean.js';
import { type ReduceDims, reduce } from '../../gpu/kernels/reduction/reduce.js';
import { normals } from '../numbers.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, runKernel, tunedVariations, variations } from './harness.js';

const acts = (await variations()).filter(v => v.act === v.weight);

const tuned = (await tunedVariations()).filter(v => v.act === v.weight);

describe.each(tuned)('reduce, $name', ({ gpu, act, tuning }) => {
  function reference(x: Float32Array, { outer, n, inner, kind }: ReduceDims): number[] {
    return Array.from({ length: outer * inner }, (_, o) => {
      const column = Array.from({ length: n }, (_, k) => x[(Math.floor(o / inner) * n + k) * inner + (o % inner)]!);
      if (kind === 'max') return column.reduce((a, b) => Math.max(a, b));
      const sum = column.reduce((a, b) => a + b, 0);
      return kind === 'mean' ? sum / n : sum;
    });
  }

  const cases: ReduceDims[] = [
    { outer: 1, n: 1, inner: 1, kind: 'sum' },
    { outer: 7, n: 13, inner: 1, kind: 'mean' },
    { outer: 2, n: 50, inner: 1, kind: 'max' },
    { outer: 1, n: 20011, inner: 1, kind: 'mean' },
    { outer: 300, n: 3, inner: 1, kind: 'sum' },
    { outer: 3, n: 7, inner: 5, kind: 'max' },
    { outer: 2, n: 49, inner: 96, kind: 'mean' },
    { outer: 5, n: 512, inner: 24, kind: 'sum' },
    { outer: 1, n: 1000, inner: 33, kind: 'sum' },
    { outer: 1, n: 9, inner: 70000, kind: 'max' },
  ];
  test.each(cases)('$kind of [$outer,$n,$inner]', async dims => {
    // Below 0, so that a maximum started from 0 shows.
    const x = asStored(
      normals(dims.outer * dims.n * dims.inner, 5).map(v => v - 6),
      act,
    );
    const [y] = await runKernel(gpu, reduce(dims, { x: 0, out: 1 }, { act, tuning }), [
      { data: x, storage: act },
      { length: dims.outer * dims.inner, storage: act },
    ]);
    expectClose(y!, reference(x, dims), tolerance[act]);
  });

  test('the same at every run', async () => {
    const dims = { outer: 1, n: 5000, inner: 3, kind: 'sum' } as const;
    const x = asStored(normals(15000), act);
    const run = () =>
      runKernel(gpu, reduce(dims, { x: 0, out: 1 }, { act, tuning }), [
        { data: x, storage: act },
        { length: 3, storage: act },
      ]);
    expect(await run()).toEqual(await run());
  });
});

describe.each(acts)('masked-mean, $name', ({ gpu, act }) => {
  test.each([
    { batch: 1, length: 1, channels: 1 },
    { batch: 3, length: 7, channels: 13 },
    { batch: 2, length: 33, channels: 96 },
  ])('[$batch,$length,$channels]', async ({ batch, length, channels }) => {
    const x = asStored(normals(batch * length * channels), act);
    const words = (b: number) => 1 + ((b * 5) % length);
    const mask = Int32Array.from({ length: batch * length }, (_, i) =>
      Number(i % length < words(Math.floor(i / length))),
    );
    // Padding may hold anything; none of it may reach the mean.
    mask.forEach((m, i) => {
      if (!m) x.fill(Number.POSITIVE_INFINITY, i * channels, (i + 1) * channels);
    });
    const expected = Array.from({ length: batch * channels }, (_, o) => {
      const b = Math.floor(o / channels);
      const column = Array.from({ length: words(b) }, (_, l) => x[(b * length + l) * channels + (o % channels)]!);
      return column.reduce((a, v) => a + v, 0) / words(b);
    });
    const [y] = await runKernel(gpu, maskedMean({ batch, length, channels }, { x: 0, mask: 1, out: 2 }, { act }), [
      { data: x, storage: act },
      { data: mask, storage: 'i32' },
      { length: batch * channels, storage: act },
    ]);
    expectClose(y!, expected, tolerance[act]);
  });
});
