// attention: general and vec4 x lengths and head sizes that are multiples of nothing x packing, mask and element types.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttentionDims, attention } from '../../gpu/kernels/attention/attention.js';
import { expectClose, tolerance } from '../tolerance.js';
import {
  asStored,
  cutAs,
  getGpu,
  runKernel,
  type TestBuffer,
  tunedVariations,
  tuningsOf,
  type Variation,
} from './harness.js';
import { attentionReference, noise } from './reference-kernels.js';

interface Case {
  readonly size: readonly [batch: number, queries: number, keys: number, heads: number, headDim: number];
  /** Scale of q and k: 1 gives even weights, more gives peaked ones. */
  readonly sharpness?: number;
  readonly mask?: (key: number) => boolean;
  readonly everyType?: boolean;
}

const cases: Case[] = [
  { size: [1, 1, 1, 1, 1] },
  { size: [2, 7, 13, 3, 5], everyType: true },
  { size: [1, 33, 33, 1, 33], sharpness: 3 },
  { size: [1, 5, 24, 2, 7], mask: key => key % 3 !== 0, everyType: true },
  { size: [2, 33, 65, 3, 8], everyType: true },
  { size: [1, 24, 24, 12, 64], mask: key => key < 17, everyType: true },
  { size: [2, 49, 7, 4, 48], mask: key => key !== 3 },
  { size: [1, 300, 70, 2, 24], sharpness: 3 },
  { size: [1, 257, 33, 1, 132] },
  { size: [1, 17, 40, 1, 256] },
  { size: [1, 9, 100, 1, 4], mask: key => key >= 64, sharpness: 5 },
];

function dimsOf({ size: [batch, queries, keys, heads, headDim] }: Case): AttentionDims {
  return { batch, queries, keys, heads, headDim };
}

/** Operands in the storage of the variation, and what the output must be. */
function prepare(c: Case, { act }: Pick<Variation, 'act'>) {
  const [batch, queries, keys, heads, headDim] = c.size;
  const channels = heads * headDim;
  const tokens = (count: number, seed: number, scale: number) => ({
    data: asStored(noise(count * channels, seed, scale), act),
    ...{ offset: 0, pitch: channels },
  });
  const { sharpness = 1, mask: keep = () => true } = c;
  const [q, k, v] = [
    tokens(batch * queries, 1, sharpness),
    tokens(batch * keys, 2, sharpness),
    tokens(batch * keys, 3, 1),
  ];
  const mask = Int32Array.from({ length: batch * keys }, (_, l) => Number(keep(l % keys)));
  const buffers: TestBuffer[] = [
    ...[q, k, v].map(({ data }) => ({ data, storage: act })),
    { data: mask, storage: 'i32' },
    { length: batch * queries * channels, storage: act },
  ];
  return { buffers, expected: attentionReference(dimsOf(c), { q, k, v, mask }) };
}

const operands = (masked: boolean) => ({ q: 0, k: 1, v: 2, mask: masked ? 3 : null, out: 4 });
const title = ({ size: [b, n, l, h, d], mask }: Case) => `B ${b}, N ${n}, L ${l}, ${h} x ${d}${mask ? ', masked' : ''}`;

describe.each((await tunedVariations()).filter(v => v.act === v.weight))('$name', variation => {
  const chosen = cases.filter(c => c.everyType || variation.act === 'f32');

  test.each(chosen.map(c => [title(c), c] as const))('%s', async (_, c) => {
    const call = attention(dimsOf(c), operands(c.mask !== undefined), variation);
    expect(call.shader.name).toBe(c.size[4] % 4 === 0 ? 'attention-vec4' : 'attention');
    const { buffers, expected } = prepare(c, variation);
    const [y] = await runKernel(variation.gpu, call, buffers);
    expectClose(y!, expected, tolerance[variation.act]);
  });

  test.each([8, 3])('packed q, k and v of one tensor, heads of %i', async headDim => {
    const [batch, length, heads] = [2, 19, 2];
    const channels = heads * headDim;
    const data = asStored(noise(batch * length * 3 * channels, 7), variation.act);
    const at = (i: number) => ({ offset: i * channels, pitch: 3 * channels });
    const dims = { batch, queries: length, keys: length, heads, headDim };
    const call = attention({ ...dims, q: at(0), k: at(1), v: at(2) }, { q: 0, k: 0, v: 0, out: 1 }, variation);
    const [y] = await runKernel(variation.gpu, call, [
      { data, storage: variation.act },
      { length: batch * length * channels, storage: variation.act },
    ]);
    const [q, k, v] = [0, 1, 2].map(i => ({ data, ...at(i) }));
    expectClose(y!, attentionReference(dims, { q: q!, k: k!, v: v! }), tolerance[variation.act]);
  });
});

const gpu = await getGpu();

describe.each(tuningsOf(gpu))('$name', ({ tuning }) => {
  test('a query that may attend to nothing gives zeros', async () => {
    const c: Case = { size: [1, 3, 40, 1, 4], mask: () => false };
    const { buffers } = prepare(c, { act: 'f32' });
    const [y] = await runKernel(gpu, attention(dimsOf(c), operands(true), { act: 'f32', tuning }), buffers);
    expect([...y!]).toEqual(new Array(12).fill(0));
  });

  test('scores far outside the range of exp do not overflow', async () => {
    const c: Case = { size: [1, 4, 70, 1, 8], sharpness: 40 };
    const { buffers, expected } = prepare(c, { act: 'f32' });
    const [y] = await runKernel(gpu, attention(dimsOf(c), operands(false), { act: 'f32', tuning }), buffers);
    // A score near 1000 is rounded to 6e-5, and its weight by as much.
    expectClose(y!, expected, { abs: 1e-3, rel: 0 });
  });

  test('any lengths, any mask', async () => {
    const size = fc.tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constant(8), // one pipeline
    );
    await fc.assert(
      fc.asyncProperty(size, fc.array(fc.boolean(), { minLength: 70, maxLength: 70 }), async (size, bits) => {
        const c: Case = { size, mask: key => bits[key]! };
        const { buffers, expected } = prepare(c, { act: 'f32' });
        const [y] = await runKernel(gpu, attention(dimsOf(c), operands(true), { act: 'f32', tuning }), buffers);
        expectClose(y!, expected, tolerance.f32);
      }),
      { numRuns: 12 },
    );
  });
});

describe.each(['8', '16', '32'])('%s queries a workgroup', queries => {
  const cut: Case[] = [
    { size: [2, 37, 45, 2, 48], mask: key => key % 5 !== 0, sharpness: 3 },
    { size: [1, 3, 33, 1, 7], sharpness: 3 },
  ];
  test.each(cut.map(c => [title(c), c] as const))('%s', async (_, c) => {
    const masked = c.mask !== undefined;
    const call = cutAs(queries, tuning => attention(dimsOf(c), operands(masked), { act: 'f32', tuning }));
    expect(call.shader.tile!.QUERIES).toBe(Number(queries) / 8);
    const { buffers, expected } = prepare(c, { act: 'f32' });
    const [y] = await runKernel(gpu, call, buffers);
    expectClose(y!, expected, tolerance.f32);
  });
});
