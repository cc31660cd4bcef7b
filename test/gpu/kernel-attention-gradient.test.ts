// attention-gradient: general and vec4 x lengths and head sizes that are multiples of nothing x masks and packed outputs.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttentionGradientDims,
  attentionGradient,
  attentionGradientStatistics,
} from '../../gpu/kernels/attention/attention-gradient.js';
import { fp32 } from '../../gpu/kernels/shared/gradient-storage.js';
import type { Tuning } from '../../gpu/tuning.js';
import { expectClose, tolerance } from '../tolerance.js';
import { floats, given, repeatable, written } from './gradient-harness.js';
import { getGpu, type TestBuffer, tuningsOf } from './harness.js';
import { attentionGradientReference } from './reference-gradients.js';
import { noise } from './reference-kernels.js';

interface Case {
  readonly size: readonly [batch: number, queries: number, keys: number, heads: number, headDim: number];
  /** Scale of q and k: 1 gives even weights, more gives peaked ones. */
  readonly sharpness?: number;
  readonly mask?: (key: number) => boolean;
}

// Few head sizes and a mask nearly everywhere, so that cases share pipelines: each gradient compiles one of its own.
const everything = () => true;
const cases: Case[] = [
  { size: [1, 1, 1, 1, 1], mask: everything },
  { size: [2, 7, 13, 3, 5], mask: key => key % 3 !== 1 },
  { size: [1, 33, 65, 1, 31], sharpness: 3, mask: everything },
  { size: [2, 33, 65, 3, 8], mask: everything },
  { size: [1, 24, 17, 2, 32], mask: key => key < 9 },
  { size: [1, 49, 7, 4, 24], sharpness: 3, mask: everything },
  // Enough of both for 32 rows a workgroup, and more than one strip of channels an invocation; no mask.
  { size: [1, 258, 263, 1, 36] },
];

const dimsOf = ({ size: [batch, queries, keys, heads, headDim] }: Case): AttentionGradientDims => ({
  ...{ batch, queries, keys, heads, headDim },
});

/** Operands 0 to 4: q, k, v, mask, dy; and the gradients. */
function prepare(c: Case) {
  const { batch, queries, keys, heads, headDim } = dimsOf(c);
  const { sharpness = 1, mask: keep = () => true } = c;
  const [ofQueries, ofKeys] = [queries, keys].map(n => batch * n * heads * headDim) as [number, number];
  const data = {
    q: noise(ofQueries, 1, sharpness),
    k: noise(ofKeys, 2, sharpness),
    v: noise(ofKeys, 3),
    mask: Int32Array.from({ length: batch * keys }, (_, l) => Number(keep(l % keys))),
    dy: noise(ofQueries, 4),
  };
  const buffers: TestBuffer[] = [
    ...[data.q, data.k, data.v].map(given),
    { data: data.mask, storage: 'i32' },
    given(data.dy),
    floats(attentionGradientStatistics(dimsOf(c))),
  ];
  return { buffers, lengths: [ofQueries, ofKeys, ofKeys], expected: attentionGradientReference(dimsOf(c), data) };
}

const inputs = (c: Case) => ({ q: 0, k: 1, v: 2, mask: c.mask ? 3 : null, dy: 4, statistics: 5 });

async function check(c: Case, tuning: Tuning): Promise<void> {
  const { buffers, lengths, expected } = prepare(c);
  const calls = attentionGradient(dimsOf(c), { ...inputs(c), dq: 6, dk: 7, dv: 8 }, { ...fp32, tuning });
  expect(calls[0]!.shader.name.endsWith('-vec4')).toBe(c.size[4] % 4 === 0);
  const results = await repeatable(await getGpu(), calls, [...buffers, ...lengths.map(floats)]);
  expectClose(written(calls, results, 6), expected.dq, tolerance.f32);
  expectClose(written(calls, results, 7), expected.dk, tolerance.f32);
  expectClose(written(calls, results, 8), expected.dv, tolerance.f32);
}

const title = ({ size: [b, n, l, h, d], mask }: Case) => `B ${b}, N ${n}, L ${l}, ${h} x ${d}${mask ? ', masked' : ''}`;

test('only the gradients that are wanted are computed', () => {
  const c: Case = { size: [1, 3, 3, 1, 4] };
  const made = (wanted: object) =>
    attentionGradient(dimsOf(c), { ...inputs(c), ...wanted }).map(call => call.constants);
  expect(made({})).toEqual([{ has_mask: 0 }]);
  expect(made({ dq: 6, dv: 7 }).slice(1)).toEqual([
    { has_mask: 0, kind: 0 },
    { has_mask: 0, kind: 2 },
  ]);
});

describe.each(tuningsOf(await getGpu()))('$name', ({ tuning }) => {
  test.each(cases.map(c => [title(c), c] as const))('%s', (_, c) => check(c, tuning));

  test.each([8, 5])('dq, dk and dv one after the other in one buffer, heads of %i', async headDim => {
    const c: Case = { size: [2, 9, 11, 2, headDim], mask: everything };
    const { buffers, lengths, expected } = prepare(c);
    const pitch = 2 * headDim;
    const at = (offset: number) => ({ offset, pitch });
    const places = { dq: at(0), dk: at(lengths[0]!), dv: at(lengths[0]! + lengths[1]!) };
    const calls = attentionGradient(
      { ...dimsOf(c), ...places },
      { ...inputs(c), dq: 6, dk: 6, dv: 6 },
      { ...fp32, tuning },
    );
    const total = lengths.reduce((a, b) => a + b, 0);
    const results = await repeatable(await getGpu(), calls, [...buffers, floats(total)]);
    expectClose(written(calls, results, 6), [...expected.dq, ...expected.dk, ...expected.dv], tolerance.f32);
  });

  test('a query that may attend to nothing gives and gets zeros', async () => {
    const c: Case = { size: [1, 3, 40, 1, 4], mask: () => false };
    const { buffers, lengths } = prepare(c);
    const calls = attentionGradient(dimsOf(c), { ...inputs(c), dq: 6, dk: 7, dv: 8 }, { ...fp32, tuning });
    const results = await repeatable(await getGpu(), calls, [...buffers, ...lengths.map(floats)]);
    for (const operand of [6, 7, 8]) expect([...new Set(written(calls, results, operand))]).toEqual([0]);
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
      fc.asyncProperty(size, fc.array(fc.boolean(), { minLength: 70, maxLength: 70 }), (size, bits) =>
        check({ size, mask: key => bits[key]! }, tuning),
      ),
      { numRuns: 8 },
    );
  });
});
