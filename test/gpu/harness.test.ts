// The harness itself, by a kernel small enough to read: y[i] = gelu(x[i]) * w[i] + bias[i], bias optional.

import { describe, expect, test } from 'vitest';
import type { KernelCall } from '../../gpu/kernel.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, runKernel, type Variation, variations } from './harness.js';

const source = `// include: finite, gelu
struct Uniforms { length: u32 }
override SCALE: f32 = 1.0;
@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> w: array<weight1>;
@group(0) @binding(3) var<storage, read> w4: array<weight4>;
@group(0) @binding(4) var<storage, read_write> y: array<act>;
@compute @workgroup_size(GROUP) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= u.length) { return; }
  y[i] = act(SCALE * gelu(f32(x[i])) * unpack_weight1(w[weight1_index(i)], i) + unpack_weight(w4[i / 4])[i % 4]);
}`;

function scaledGelu(length: number, { act, weight }: Variation): KernelCall<number> {
  return {
    shader: { name: 'scaled-gelu', source, act, weight, tile: { GROUP: 32 } },
    constants: { SCALE: 2 },
    uniforms: { length },
    bindings: [
      { operand: 0, access: 'read' },
      { operand: 1, access: 'read' },
      { operand: 1, access: 'read' },
      { operand: 2, access: 'read_write' },
    ],
    workgroups: [Math.ceil(length / 32), 1, 1],
    cost: { flops: 20 * length, bytes: 0 },
  };
}

/** Simpson's rule on the density: an oracle that shares nothing with the kernel's formula. */
function normalCdf(x: number): number {
  const n = 400;
  const h = x / n;
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += (i === 0 || i === n ? 1 : i % 2 ? 4 : 2) * Math.exp(-0.5 * (i * h) ** 2);
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

describe.each(await variations())('$name', variation => {
  test.each([1, 7, 33, 128])('%i elements', async length => {
    const x = Float32Array.from({ length }, (_, i) => (length === 1 ? 1.5 : -6 + (12 * i) / (length - 1)));
    const w = Float32Array.from({ length }, (_, i) => Math.sin(i + 1));
    const [y] = await runKernel(variation.gpu, scaledGelu(length, variation), [
      { data: x, storage: variation.act },
      { data: w, storage: variation.weight },
      { length, storage: variation.act },
    ]);
    const stored = asStored(w, variation.weight);
    const expected = asStored(x, variation.act).map((v, i) => 2 * v * normalCdf(v) * stored[i]! + stored[i]!);
    expectClose(y!, expected, tolerance[variation.act]);
  });
});

test('an element that the kernel leaves out comes back as NaN, which is close to nothing', async () => {
  const [variation] = await variations();
  const call = { ...scaledGelu(4, variation!), uniforms: { length: 3 } };
  const buffers = [0, 1].map(() => ({ data: [1, 2, 3, 4], storage: 'f32' as const }));
  const [y] = await runKernel(variation!.gpu, call, [...buffers, { length: 4, storage: 'f32' }]);
  expect(y![3]).toBeNaN();
  expect(() => expectClose(y!, [0, 0, 0, 0], { abs: 100, rel: 0 })).toThrow('element 3 of 4: got NaN');
});
