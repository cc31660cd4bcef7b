// unary, binary, strided-copy: one output a thread, from one place each.

import { describe, expect, test } from 'vitest';
import { type BinaryKernelKind, binary, binaryKinds } from '../../gpu/kernels/elementwise/binary.js';
import { type UnaryKernelKind, unary, unaryKinds } from '../../gpu/kernels/elementwise/unary.js';
import { stridedCopy } from '../../gpu/kernels/movement/strided-copy.js';
import { normals } from '../numbers.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, runKernel, type TestBuffer, tuningsOf, variations } from './harness.js';

const acts = (await variations()).filter(v => v.act === v.weight);
const slope = 0.01;

/** P(X <= x) for a standard normal X, by Simpson's rule on the density. */
function normalCdf(x: number): number {
  const [n, h] = [400, x / 400];
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += (i === 0 || i === n ? 1 : i % 2 ? 4 : 2) * Math.exp(-0.5 * (i * h) ** 2);
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

const unaryFormulas: Record<UnaryKernelKind, (x: number) => number> = {
  neg: x => -x,
  exp: Math.exp,
  log: x => Math.log(x),
  sqrt: x => Math.sqrt(x),
  rsqrt: x => 1 / Math.sqrt(x),
  reciprocal: x => 1 / x,
  square: x => x * x,
  abs: Math.abs,
  sigmoid: x => 1 / (1 + Math.exp(-x)),
  softplus: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gelu: x => x * normalCdf(x),
  leakyRelu: x => (x >= 0 ? x : slope * x),
  relu: x => Math.max(x, 0),
  step: x => (x > 0 ? 1 : 0),
};
const positiveOnly: readonly UnaryKernelKind[] = ['log', 'sqrt', 'rsqrt'];
/** Far from 0, where a formula that is not stable overflows. */
const extremes: Partial<Record<UnaryKernelKind, readonly number[]>> = {
  sigmoid: [-200, -90, 90, 200],
  softplus: [-200, -90, 90, 200],
  gelu: [-200, -15, 15, 200],
  sqrt: [0],
};

describe.each(acts)('unary, $name', ({ gpu, act }) => {
  test.each(unaryKinds)('%s', async kind => {
    const numbers = [...normals(33, 7).map(v => 3 * v), ...(extremes[kind] ?? []), 0.5, 1];
    const positive = positiveOnly.includes(kind);
    const x = asStored(
      numbers.map(v => (positive ? Math.abs(v) : v)),
      act,
    );
    // Once a number of elements that 4 divides, once one that it does not.
    const lengths = [x.length & ~3, (x.length & ~3) - 3];
    for (const length of lengths) {
      const call = unary({ count: length, kind, slope }, { x: 0, out: 1 }, { act });
      const part = x.subarray(x.length - length);
      const [y] = await runKernel(gpu, call, [
        { data: part, storage: act },
        { length, storage: act },
      ]);
      expectClose(y!, Array.from(part, unaryFormulas[kind]), tolerance[act]);
    }
  });
});

const binaryFormulas: Record<BinaryKernelKind, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  equal: (a, b) => Number(a === b),
};

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Numpy's broadcasting, index by index. */
function broadcast(
  a: ArrayLike<number>,
  aShape: number[],
  b: ArrayLike<number>,
  bShape: number[],
  f: (a: number, b: number) => number,
) {
  const rank = Math.max(aShape.length, bShape.length);
  const pad = (s: number[]) => [...new Array<number>(rank - s.length).fill(1), ...s];
  const [pa, pb] = [pad(aShape), pad(bShape)];
  const shape = pa.map((n, i) => Math.max(n, pb[i]!));
  return Array.from({ length: size(shape) }, (_, flat) => {
    let [rest, ia, ib, sa, sb] = [flat, 0, 0, 1, 1];
    for (let axis = rank - 1; axis >= 0; axis--) {
      const i = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      ia += pa[axis] === 1 ? 0 : i * sa;
      ib += pb[axis] === 1 ? 0 : i * sb;
      sa *= pa[axis]!;
      sb *= pb[axis]!;
    }
    return f(a[ia]!, b[ib]!);
  });
}

describe.each(acts)('binary, $name', ({ gpu, act }) => {
  async function run(kind: BinaryKernelKind, aShape: number[], bShape: number[], form: string) {
    const a = asStored(normals(size(aShape), 1), act);
    const b = asStored(normals(size(bShape), 2), act);
    // Equal numbers for the comparisons, and no division by nearly 0.
    for (let i = 0; i < b.length; i++) b[i] = i % 3 === 0 ? a[i % a.length]! : b[i]!;
    if (kind === 'div')
      b.forEach((v, i) => {
        b[i] = asStored([v < 0 ? v - 0.5 : v + 0.5], act)[0]!;
      });
    const expected = broadcast(a, aShape, b, bShape, binaryFormulas[kind]);
    for (const { tuning } of tuningsOf(gpu)) {
      const call = binary({ kind, aShape, bShape }, { a: 0, b: 1, out: 2 }, { act, tuning });
      expect(call.shader.name).toBe(form);
      const [y] = await runKernel(gpu, call, [
        { data: a, storage: act },
        { data: b, storage: act },
        { length: expected.length, storage: act },
      ]);
      expectClose(y!, expected, tolerance[act]);
    }
  }

  test.each(binaryKinds)('%s', kind => run(kind, [3, 8], [3, 8], 'binary-rows'));
  test.each(binaryKinds)('%s with one number', kind => run(kind, [3, 8], [1], 'binary-rows'));

  test.each([
    [[1], [1], 'binary'],
    [[5, 7], [5, 7], 'binary'],
    [[2, 5, 12], [12], 'binary-rows'],
    [[12], [2, 5, 12], 'binary-rows'],
    [[2, 5, 12], [5, 12], 'binary-rows'],
    [[2, 5, 12], [2, 5, 1], 'binary'],
    [[2, 5, 12], [], 'binary-rows'],
    [[1], [3, 4], 'binary-rows'],
    [[2, 5, 7], [], 'binary'],
    [[7, 1], [1, 5], 'binary'],
    [[3, 1, 4], [3, 6, 4], 'binary'],
    [[2, 1, 3, 1, 2, 1], [1, 2, 1, 3, 1, 2], 'binary'],
    [[2, 2, 1, 3, 3, 1, 2, 2], [2, 2, 2, 1, 1, 3, 2, 2], 'binary'],
  ] as [number[], number[], string][])('sub [%s] [%s] by %s', (a, b, form) => run('sub', a, b, form));
});

const storages = [
  ...acts.map(({ gpu, act }) => ({ gpu, storage: act })),
  { gpu: acts[0]!.gpu, storage: 'i32' as const },
];

describe.each(storages)('strided-copy, $storage', ({ gpu, storage }) => {
  interface Copy {
    name: string;
    from: number;
    shape: number[];
    strides: number[];
    offset?: number;
    outStrides?: number[];
    outOffset?: number;
    to?: number;
  }
  const copies: Copy[] = [
    { name: 'one', from: 1, shape: [], strides: [] },
    { name: 'transpose', from: 35, shape: [7, 5], strides: [1, 7] },
    { name: 'permute, inner axis kept', from: 96, shape: [3, 4, 8], strides: [8, 24, 1] },
    { name: 'permute of six', from: 144, shape: [2, 3, 2, 3, 2, 2], strides: [1, 2, 6, 24, 72, 12] },
    { name: 'slice, odd', from: 60, shape: [3, 4, 3], strides: [20, 5, 1], offset: 1 },
    { name: 'slice, aligned', from: 96, shape: [3, 16], strides: [32, 1], offset: 8 },
    { name: 'slice, pairs', from: 24, shape: [2, 2], strides: [12, 1], offset: 2 },
    { name: 'expand', from: 5, shape: [3, 5, 2], strides: [0, 1, 0] },
    { name: 'concat, odd', from: 6, shape: [2, 3], strides: [3, 1], outStrides: [7, 1], outOffset: 4, to: 14 },
    { name: 'concat, aligned', from: 16, shape: [2, 8], strides: [8, 1], outStrides: [24, 1], outOffset: 16, to: 48 },
    // [1,2,3,4] read as [H,W,(c,ky,kx)] to [2H,2W,c]: torch's pixel_shuffle in NHWC.
    { name: 'pixel shuffle', from: 24, shape: [2, 2, 3, 2, 1], strides: [12, 2, 4, 1, 0] },
  ];

  function reference(x: ArrayLike<number>, copy: Copy, out: number[]): number[] {
    const { shape, strides, offset = 0, outOffset = 0 } = copy;
    const outStrides = copy.outStrides ?? shape.map((_, i) => size(shape.slice(i + 1)));
    for (let flat = 0; flat < size(shape); flat++) {
      let [rest, from, to] = [flat, offset, outOffset];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const i = rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
        from += i * strides[axis]!;
        to += i * outStrides[axis]!;
      }
      out[to] = x[from]!;
    }
    return out;
  }

  test.each(copies)('$name', async ({ name, from, to, ...copy }) => {
    // As integers these are subnormal floats, which a copy through f32 might flush; as floats they are just numbers.
    const x = asStored(
      Array.from({ length: from }, (_, i) => i + 1),
      storage,
    );
    const length = to ?? size(copy.shape);
    // What the copy must leave alone.
    const before = new Array<number>(length).fill(999);
    const out: TestBuffer = { data: before, storage };
    const [y] = await runKernel(gpu, stridedCopy(copy, { x: 0, out: 1 }, { act: storage }), [
      { data: x, storage },
      out,
    ]);
    expectClose(y!, reference(x, { name, from, ...copy }, [...before]), tolerance.exact);
  });
});
