// linear: every variant (general, vec4 with small and large tiles, skinny) x every epilogue x every element type.

import { describe, expect, test } from 'vitest';
import { type LinearDims, linear } from '../../gpu/kernels/matmul/linear.js';
import { productTiles } from '../../gpu/tuning.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, cutAs, runKernel, type TestBuffer, tunedVariations, type Variation, variations } from './harness.js';
import { depthToSpace, linearReference, noise } from './reference-kernels.js';

interface Case {
  readonly dims: LinearDims;
  readonly kernel: 'linear' | 'linear-vec4' | 'linear-skinny';
  readonly bias?: boolean;
  readonly rows?: boolean;
  readonly residual?: boolean;
}

const everything = { bias: true, rows: true, residual: true };

const cases: Case[] = [
  { dims: { m: 1, k: 1, n: 1 }, kernel: 'linear', bias: true },
  { dims: { m: 7, k: 13, n: 33 }, kernel: 'linear' },
  { dims: { m: 33, k: 7, n: 13, period: 4, activation: 'gelu' }, kernel: 'linear', ...everything },
  { dims: { m: 66, k: 70, n: 35, activation: 'leakyRelu' }, kernel: 'linear', bias: true },
  { dims: { m: 33, k: 4, n: 1 }, kernel: 'linear-vec4' },
  { dims: { m: 49, k: 36, n: 13, period: 49, activation: 'leakyRelu' }, kernel: 'linear-vec4', ...everything },
  { dims: { m: 70, k: 20, n: 33, period: 7, activation: 'gelu' }, kernel: 'linear-vec4', ...everything },
  { dims: { m: 33, k: 16, n: 24, x: { offset: 8, pitch: 48 } }, kernel: 'linear-vec4', bias: true },
  { dims: { m: 33, k: 16, n: 24, x: { offset: 3, pitch: 48 } }, kernel: 'linear', bias: true },
  { dims: { m: 600, k: 12, n: 650, activation: 'gelu' }, kernel: 'linear-vec4', bias: true, residual: true },
  { dims: { m: 1, k: 136, n: 37, activation: 'gelu' }, kernel: 'linear-skinny', ...everything },
  { dims: { m: 24, k: 68, n: 20, period: 24 }, kernel: 'linear-skinny', ...everything },
  { dims: { m: 9, k: 8, n: 3, x: { offset: 4, pitch: 12 } }, kernel: 'linear-skinny', bias: true },
  { dims: { m: 30, k: 5, n: 12, shuffle: { height: 3, width: 5, block: 2 } }, kernel: 'linear', bias: true },
  { dims: { m: 70, k: 8, n: 28, shuffle: { height: 5, width: 7, block: 2 } }, kernel: 'linear-vec4' },
  { dims: { m: 4, k: 8, n: 9, shuffle: { height: 2, width: 2, block: 3 } }, kernel: 'linear-skinny' },
];

const name = ({ dims, kernel, bias, rows, residual }: Case) =>
  `${kernel} ${JSON.stringify(dims)}${bias ? ' bias' : ''}${rows ? ' rows' : ''}${residual ? ' residual' : ''}`;

/** Operands in the storage of the variation, and what the output must be. */
function prepare({ dims, bias, rows, residual }: Case, { act, weight }: Variation) {
  const { m, k, n, period = 1, x = { offset: 0, pitch: k } } = dims;
  const data = {
    x: asStored(noise(x.offset + (m - 1) * x.pitch + Math.max(k, x.pitch - x.offset), 1), act),
    weight: asStored(noise(n * k, 2, 1 / Math.sqrt(k)), weight),
    ...(bias && { bias: noise(n, 3) }),
    ...(rows && { rows: noise(period * n, 4) }),
    ...(residual && { residual: asStored(noise(m * n, 5), act) }),
  };
  const y = linearReference(dims, data);
  const { shuffle } = dims;
  const expected = shuffle ? depthToSpace(y, shuffle.width, n, { block: shuffle.block, order: 'DCR' }) : y;
  const buffers: TestBuffer[] = [
    { data: data.x, storage: act },
    { data: data.weight, storage: weight },
    { data: data.bias ?? [0], storage: 'f32' },
    { data: data.rows ?? [0], storage: 'f32' },
    { data: data.residual ?? [0], storage: act },
    { length: m * n, storage: act },
  ];
  return { buffers, expected };
}

const operands = ({ bias, rows, residual }: Case) => ({
  ...{ x: 0, weight: 1, bias: bias ? 2 : null, rows: rows ? 3 : null, residual: residual ? 4 : null, out: 5 },
});

describe.each(await tunedVariations())('$name', variation => {
  // Offsets and epilogues do not depend on the element types: other types than f32 take the cases that use most of them.
  const chosen = variation.act === 'f32' && variation.weight === 'f32' ? cases : cases.filter(c => c.residual);
  test.each(chosen.map(c => [name(c), c] as const))('%s', async (_, c) => {
    const call = linear(c.dims, operands(c), variation);
    // Few rows are a case of their own only where tiles go through workgroup memory.
    const skinny = c.kernel === 'linear-skinny' && variation.tuning.lanes > 0;
    expect(call.shader.name).toBe(skinny ? 'linear-vec4' : c.kernel);
    expect(call.shader.tile?.LANES).toBe(variation.tuning.lanes || undefined);
    const { buffers, expected } = prepare(c, variation);
    const [y] = await runKernel(variation.gpu, call, buffers);
    expectClose(y!, expected, tolerance[variation.act]);
  });

  test('writes its columns of a wider tensor and no others', async () => {
    const c: Case = { dims: { m: 3, k: 4, n: 2, out: { offset: 1, pitch: 5 } }, kernel: 'linear-skinny' };
    const { buffers, expected } = prepare(c, variation);
    const untouched = Array.from({ length: 15 }, (_, i) => i);
    const [y] = await runKernel(variation.gpu, linear(c.dims, operands(c), variation), [
      ...buffers.slice(0, 5),
      { data: untouched, storage: variation.act },
    ]);
    const whole = untouched.map(i => (i % 5 === 1 || i % 5 === 2 ? expected[Math.floor(i / 5) * 2 + (i % 5) - 1]! : i));
    expectClose(y!, whole, tolerance[variation.act]);
  });
});

describe.each([...Object.keys(productTiles), 'skinny'])('cut as %s', variant => {
  // Two rows of tiles at least, and multiples of none; skinny is for vec4 and has been tested above with few rows.
  const dims: LinearDims[] = [
    { m: 139, k: 36, n: 77, activation: 'leakyRelu' },
    { m: 3, k: 36, n: 5, activation: 'leakyRelu' },
    { m: 70, k: 36, n: 9, activation: 'relu' },
    { m: 139, k: 35, n: 77, activation: 'leakyRelu' },
    { m: 131, k: 7, n: 1, activation: 'leakyRelu' },
  ];
  const chosen = variant === 'skinny' ? dims.slice(0, 2) : dims;
  test.each(chosen.map(each => [name({ dims: each, kernel: 'linear' }), each] as const))('%s', async (_, each) => {
    const c: Case = { dims: each, kernel: 'linear', bias: true, residual: true };
    // Element types change loads and stores, not the tile: the largest has them all.
    const types = (await variations()).slice(0, variant === '128x64' && each.k === 36 ? undefined : 1);
    for (const variation of types) {
      const call = cutAs(variant, tuning => linear(each, operands(c), { ...variation, tuning }));
      expect(call.cut!.variant).toBe(variant);
      const { buffers, expected } = prepare(c, variation);
      const [y] = await runKernel(variation.gpu, call, buffers);
      expectClose(y!, expected, tolerance[variation.act]);
    }
  });
});
