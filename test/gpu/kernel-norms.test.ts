// layer-norm, embedding, softmax, l2-normalize: kernels that reduce each row as a whole.

import { describe, test } from 'vitest';
import { embedding } from '../../gpu/kernels/movement/embedding.js';
import { l2Normalize } from '../../gpu/kernels/norm/l2-normalize.js';
import { layerNorm } from '../../gpu/kernels/norm/layer-norm.js';
import { softmax } from '../../gpu/kernels/reduction/softmax.js';
import { normals } from '../numbers.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, runKernel, type TestBuffer, tunedVariations, variations } from './harness.js';

const all = await variations();
/** Weights play no part in most of these: once in f32, once in f16. */
const acts = all.filter(v => v.act === v.weight);
const tuned = (await tunedVariations()).filter(v => v.act === v.weight);

const rowsOf = (x: Float32Array, n: number) =>
  Array.from({ length: x.length / n }, (_, r) => x.subarray(r * n, (r + 1) * n));

function norm(row: ArrayLike<number>, eps: number): number[] {
  const v = Array.from(row);
  const mean = v.reduce((a, b) => a + b, 0) / v.length;
  const variance = v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length;
  return v.map(e => (e - mean) / Math.sqrt(variance + eps));
}

const f32 = (data: ArrayLike<number>): TestBuffer => ({ data, storage: 'f32' });

/** [m, c], each with the next of the options. */
const shapes = [
  [1, 1],
  [3, 7],
  [70, 13],
  [9, 4],
  [5, 770],
  [33, 96],
] as const;
const options = [
  { pre: false, affine: false, post: false },
  { pre: true, affine: true, post: false },
  { pre: false, affine: true, post: true },
  { pre: true, affine: false, post: true },
];

describe.each(tuned)('layer-norm, $name', ({ gpu, act, tuning }) => {
  const cases = shapes.map(([m, c], i) => ({ m, c, ...options[(i + 1) % 4]! }));

  function layer(m: number, c: number, use: (typeof options)[number], eps: number) {
    const [x, pre, post] = [1, 2, 3].map(seed => asStored(normals(m * c, seed), act)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const [weight, bias] = [normals(c, 4), normals(c, 5)];
    const expected = rowsOf(x, c).flatMap((row, r) =>
      norm(
        row.map((v, i) => v + (use.pre ? pre[r * c + i]! : 0)),
        eps,
      ).map((v, i) => (use.affine ? v * weight[i]! + bias[i]! : v) + (use.post ? post[r * c + i]! : 0)),
    );
    const operands = {
      x: 0,
      pre: use.pre ? 1 : null,
      weight: use.affine ? 2 : null,
      bias: use.affine ? 3 : null,
      post: use.post ? 4 : null,
      out: 5,
    };
    const out: TestBuffer = { length: m * c, storage: act };
    const buffers = [
      { data: x, storage: act },
      { data: pre, storage: act },
      f32(weight),
      f32(bias),
      { data: post, storage: act },
      out,
      out,
    ];
    return { operands, buffers, expected };
  }

  test.each(cases)('[$m,$c] pre $pre affine $affine post $post', async ({ m, c, ...use }) => {
    const { operands, buffers, expected } = layer(m, c, use, 1e-5);
    const [y] = await runKernel(gpu, layerNorm({ m, c, eps: 1e-5 }, operands, { act, tuning }), buffers);
    expectClose(y!, expected, tolerance[act]);
  });

  test('a mean far above the deviation', async () => {
    // E[v²] - E[v]² would leave nothing of a variance of 1 at a mean of 1,000 in f32's 24 bits (or f16's 11: there 60).
    const x = asStored(
      normals(3 * 40).map(v => v + (act === 'f16' ? 60 : 1000)),
      act,
    );
    const call = layerNorm({ m: 3, c: 40, eps: 1e-6 }, { x: 0, out: 1 }, { act, tuning });
    const [y] = await runKernel(gpu, call, [
      { data: x, storage: act },
      { length: 120, storage: act },
    ]);
    expectClose(
      y!,
      rowsOf(x, 40).flatMap(row => norm(row, 1e-6)),
      { ...tolerance[act], abs: act === 'f32' ? 2e-4 : tolerance.f16.abs },
    );
  });
});

describe.each(all)('embedding, $name', ({ gpu, act, weight: storage }) => {
  test.each([
    { m: 6, length: 3, dim: 7, norm: true, sums: true },
    { m: 66, length: 33, dim: 1, norm: false, sums: false },
    { m: 8, length: 8, dim: 96, norm: true, sums: true },
    { m: 4, length: 2, dim: 12, norm: true, sums: false },
  ])('[$m of $length, $dim] norm $norm positions and type $sums', async c => {
    const { m, length, dim } = c;
    const vocabulary = 11;
    const table = asStored(normals(vocabulary * dim, 1), storage);
    const [positions, type, weight, bias] = [length * dim, dim, dim, dim].map((n, i) => normals(n, i + 2));
    // Past both ends too: these take the first and the last row.
    const ids = Int32Array.from({ length: m }, (_, i) => ((i * 7) % 15) - 2);
    const call = embedding(
      { m, length, dim, vocabulary, eps: 1e-12 },
      {
        table: 0,
        ids: 1,
        positions: c.sums ? 2 : null,
        type: c.sums ? 3 : null,
        normWeight: c.norm ? 4 : null,
        normBias: c.norm ? 5 : null,
        out: 6,
      },
      { act, weight: storage },
    );
    const expected = Array.from(ids).flatMap((id, r) => {
      const at = Math.min(Math.max(id, 0), vocabulary - 1) * dim;
      const row = Array.from({ length: dim }, (_, i) => {
        const sum = c.sums ? positions![(r % length) * dim + i]! + type![i]! : 0;
        return table[at + i]! + sum;
      });
      return c.norm ? norm(row, 1e-12).map((v, i) => v * weight![i]! + bias![i]!) : row;
    });
    const [y] = await runKernel(gpu, call, [
      { data: table, storage },
      { data: ids, storage: 'i32' },
      f32(positions!),
      f32(type!),
      f32(weight!),
      f32(bias!),
      { length: m * dim, storage: act },
    ]);
    expectClose(y!, expected, tolerance[act]);
  });
});

describe.each(acts)('softmax, $name', ({ gpu, act }) => {
  test.each([
    { m: 1, n: 1, log: false },
    { m: 7, n: 13, log: true },
    { m: 130, n: 4, log: true },
    { m: 2, n: 5003, log: false },
    { m: 2, n: 5003, log: true },
  ])('[$m,$n] log $log', async ({ m, n, log }) => {
    // Far from 0, where exp alone would overflow.
    const x = asStored(
      normals(m * n, 3).map(v => 8 * v + 300),
      act,
    );
    const [y] = await runKernel(gpu, softmax({ m, n, log }, { x: 0, out: 1 }, { act }), [
      { data: x, storage: act },
      { length: m * n, storage: act },
    ]);
    const expected = rowsOf(x, n).flatMap(row => {
      const max = row.reduce((a, b) => Math.max(a, b));
      const total = row.reduce((a, b) => a + Math.exp(b - max), 0);
      return Array.from(row, v => (log ? v - max - Math.log(total) : Math.exp(v - max) / total));
    });
    expectClose(y!, expected, tolerance[act]);
  });
});

describe.each(acts)('l2-normalize, $name', ({ gpu, act }) => {
  test.each([
    { m: 1, n: 1, scale: 1 },
    { m: 33, n: 7, scale: 1 },
    { m: 3, n: 770, scale: 20 },
    // Below eps the row is divided by eps instead.
    { m: 2, n: 12, scale: 1e-3 },
    { m: 2, n: 12, scale: 0 },
  ])('[$m,$n] scaled $scale', async ({ m, n, scale }) => {
    const x = asStored(
      normals(m * n, 2).map(v => v * scale),
      act,
    );
    const eps = 0.1;
    const [y] = await runKernel(gpu, l2Normalize({ m, n, eps }, { x: 0, out: 1 }, { act }), [
      { data: x, storage: act },
      { length: m * n, storage: act },
    ]);
    const expected = rowsOf(x, n).flatMap(row => Array.from(row, v => v / Math.max(Math.hypot(...row), eps)));
    expectClose(y!, expected, tolerance[act]);
  });
});
