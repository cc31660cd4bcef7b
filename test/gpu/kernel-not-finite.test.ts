// Every kernel of the inference path, in every cut: a NaN or an infinity among the numbers that a result depends on leaves
// something that is not finite among the results, and so does a square or a store that overflows.

import { describe, expect, test } from 'vitest';
import type { KernelCall, KernelStorage } from '../../gpu/kernel.js';
import { attention } from '../../gpu/kernels/attention/attention.js';
import { ltem } from '../../gpu/kernels/attention/ltem.js';
import { conv2d } from '../../gpu/kernels/convolution/conv2d.js';
import { depthwise } from '../../gpu/kernels/convolution/depthwise.js';
import { depthwiseNorm } from '../../gpu/kernels/convolution/depthwise-norm.js';
import { maxPool } from '../../gpu/kernels/convolution/max-pool.js';
import { binary, binaryKinds } from '../../gpu/kernels/elementwise/binary.js';
import { unary, unaryKinds } from '../../gpu/kernels/elementwise/unary.js';
import { linear } from '../../gpu/kernels/matmul/linear.js';
import { embedding } from '../../gpu/kernels/movement/embedding.js';
import { resizeBilinear } from '../../gpu/kernels/movement/resize-bilinear.js';
import { l2Normalize } from '../../gpu/kernels/norm/l2-normalize.js';
import { layerNorm } from '../../gpu/kernels/norm/layer-norm.js';
import { maskedMean } from '../../gpu/kernels/reduction/masked-mean.js';
import { reduce } from '../../gpu/kernels/reduction/reduce.js';
import { softmax } from '../../gpu/kernels/reduction/softmax.js';
import { variantsOf } from '../../gpu/tuner/variants.js';
import { hardwareTuning } from '../../gpu/tuning.js';
import { getGpu, runKernels, type TestBuffer, tuningsOf, variations } from './harness.js';
import { noise } from './reference-kernels.js';

interface Case {
  readonly name: string;
  /** What each operand holds, and how many of it. */
  readonly operands: readonly (readonly ['act' | 'weight' | 'f32' | 'mask' | 'out' | 'scratch', number])[];
  readonly calls: (storage: KernelStorage) => readonly KernelCall<number>[];
  /** Operands whose squares are summed. */
  readonly squares?: readonly number[];
}

const product = (k: number, activation: 'none' | 'gelu' | 'leakyRelu' | 'relu', m = 33, n = 37): Case => ({
  name: `linear ${m} x ${k} x ${n}, ${activation}`,
  operands: [
    ['act', m * k],
    ['weight', n * k],
    ['f32', n],
    ['f32', m * n],
    ['act', m * n],
    ['out', m * n],
  ],
  calls: storage => [
    linear({ m, k, n, period: m, activation }, { x: 0, weight: 1, bias: 2, rows: 3, residual: 4, out: 5 }, storage),
  ],
});

const window = (channels: number, activation: 'none' | 'gelu' | 'leakyRelu' | 'relu'): Case => ({
  name: `conv2d of ${channels} channels, ${activation}`,
  operands: [
    ['act', 42 * channels],
    ['act', 42 * channels],
    ['weight', 18 * channels * 9],
    ['f32', 9],
    ['act', 42],
    ['out', 42 * 9],
  ],
  calls: storage => [
    conv2d(
      {
        batch: 1,
        height: 6,
        width: 7,
        channels,
        channels2: channels,
        outChannels: 9,
        kernelHeight: 3,
        kernelWidth: 3,
        padding: 1,
        activation,
      },
      { x: 0, x2: 1, weight: 2, bias: 3, gate: 4, out: 5 },
      storage,
    ),
  ],
});

const attended = (headDim: number): Case => ({
  name: `attention of heads of ${headDim}`,
  operands: [
    ['act', 33 * 2 * headDim],
    ['act', 40 * 2 * headDim],
    ['act', 40 * 2 * headDim],
    ['mask', 40],
    ['out', 33 * 2 * headDim],
  ],
  calls: storage => [
    attention({ batch: 1, queries: 33, keys: 40, heads: 2, headDim }, { q: 0, k: 1, v: 2, mask: 3, out: 4 }, storage),
  ],
});

const rows = (c: number): Case[] => [
  {
    name: `layerNorm of ${c}`,
    operands: [
      ['act', 9 * c],
      ['act', 9 * c],
      ['f32', c],
      ['f32', c],
      ['act', 9 * c],
      ['out', 9 * c],
    ],
    calls: storage => [
      layerNorm({ m: 9, c, eps: 1e-5 }, { x: 0, pre: 1, weight: 2, bias: 3, post: 4, out: 5 }, storage),
    ],
    squares: [0, 1],
  },
  {
    name: `depthwise of ${c}`,
    operands: [
      ['act', 42 * c],
      ['weight', 9 * c],
      ['f32', c],
      ['out', 42 * c],
    ],
    calls: storage => [
      depthwise(
        { batch: 1, height: 6, width: 7, channels: c, kernelHeight: 3, kernelWidth: 3 },
        { x: 0, weight: 1, bias: 2, out: 3 },
        storage,
      ),
    ],
  },
  {
    name: `depthwiseNorm of ${c}`,
    operands: [
      ['act', 42 * c],
      ['weight', 9 * c],
      ['f32', c],
      ['out', 42 * c],
    ],
    calls: storage => [
      depthwiseNorm(
        { batch: 1, height: 6, width: 7, channels: c, kernelHeight: 3, kernelWidth: 3, eps: 1e-5 },
        { x: 0, weight: 1, bias: 2, out: 3 },
        storage,
      ),
    ],
    squares: [0, 2],
  },
  {
    name: `embedding of ${c}`,
    operands: [
      ['weight', 5 * c],
      ['mask', 6],
      ['f32', 3 * c],
      ['f32', c],
      ['f32', c],
      ['f32', c],
      ['out', 6 * c],
    ],
    calls: storage => [
      embedding(
        { m: 6, length: 3, dim: c, vocabulary: 5, eps: 1e-5 },
        { table: 0, ids: 1, positions: 2, type: 3, normWeight: 4, normBias: 5, out: 6 },
        { act: storage.act, weight: storage.weight! },
      ),
    ],
    squares: [2, 3],
  },
  {
    name: `ltem of ${c}`,
    operands: [
      ['act', 42 * c],
      ['act', c],
      ['scratch', 42],
      ['out', 168],
    ],
    calls: storage =>
      ltem({ batch: 1, height: 6, width: 7, channels: c, tau: 1 }, { x: 0, text: 1, similarity: 2, out: 3 }, storage),
    squares: [0, 1],
  },
  {
    name: `maxPool of ${c}`,
    operands: [
      ['act', 42 * c],
      ['out', 9 * c],
    ],
    calls: ({ act }) => [
      maxPool(
        { batch: 1, height: 6, width: 7, channels: c, outHeight: 3, outWidth: 3, size: 3, stride: 2, padding: 1 },
        { x: 0, out: 1 },
        { act },
      ),
    ],
  },
  {
    name: `resizeBilinear of ${c}`,
    operands: [
      ['act', 42 * c],
      ['out', 168 * c],
    ],
    calls: ({ act }) => [
      resizeBilinear(
        { batch: 1, height: 6, width: 7, channels: c, outHeight: 12, outWidth: 14 },
        { x: 0, out: 1 },
        { act },
      ),
    ],
  },
];

const elementwise = (count: number): Case[] => [
  ...unaryKinds.map(
    (kind): Case => ({
      name: `unary ${kind} of ${count}`,
      operands: [
        ['act', count],
        ['out', count],
      ],
      calls: ({ act }) => [unary({ count, kind, slope: 0.01 }, { x: 0, out: 1 }, { act })],
    }),
  ),
  ...binaryKinds.map(
    (kind): Case => ({
      name: `binary ${kind} of ${count}`,
      operands: [
        ['act', count],
        ['act', count],
        ['out', count],
      ],
      calls: storage => [binary({ kind, aShape: [count], bShape: [count] }, { a: 0, b: 1, out: 2 }, storage)],
    }),
  ),
];

const reductions: Case[] = [
  ...(['sum', 'mean', 'max'] as const).map(
    (kind): Case => ({
      name: `reduce by ${kind}`,
      operands: [
        ['act', 2 * 90 * 5],
        ['out', 10],
      ],
      calls: storage => [reduce({ outer: 2, n: 90, inner: 5, kind }, { x: 0, out: 1 }, storage)],
    }),
  ),
  ...[false, true].map(
    (log): Case => ({
      name: log ? 'log softmax' : 'softmax',
      operands: [
        ['act', 7 * 33],
        ['out', 7 * 33],
      ],
      calls: ({ act }) => [softmax({ m: 7, n: 33, log }, { x: 0, out: 1 }, { act })],
    }),
  ),
  {
    name: 'l2Normalize',
    operands: [
      ['act', 7 * 33],
      ['out', 7 * 33],
    ],
    calls: ({ act }) => [l2Normalize({ m: 7, n: 33, eps: 1e-12 }, { x: 0, out: 1 }, { act })],
    squares: [0],
  },
  {
    name: 'maskedMean',
    operands: [
      ['act', 5 * 9],
      ['mask', 5],
      ['out', 9],
    ],
    calls: ({ act }) => [maskedMean({ batch: 1, length: 5, channels: 9 }, { x: 0, mask: 1, out: 2 }, { act })],
  },
];

const cases = [
  ...(['none', 'gelu', 'leakyRelu'] as const).flatMap(activation => [
    product(13, activation),
    product(20, activation),
    window(3, activation),
    window(4, activation),
  ]),
  product(16, 'gelu', 3),
  attended(5),
  attended(8),
  ...rows(13),
  ...rows(24),
  ...elementwise(33),
  ...elementwise(32),
  ...reductions,
];

const stray = [Number.NaN, Infinity, -Infinity];

/** Contents of the operands, `value` in the middle of one of them. */
function buffers({ operands }: Case, { act, weight }: KernelStorage, at: number, value: number): TestBuffer[] {
  return operands.map(([kind, length], i): TestBuffer => {
    const storage =
      kind === 'act' || kind === 'out'
        ? act
        : kind === 'weight'
          ? weight === 'f16'
            ? 'f16'
            : 'f32'
          : kind === 'mask'
            ? 'i32'
            : 'f32';
    if (kind === 'out' || kind === 'scratch') return { length, storage };
    if (kind === 'mask') return { data: new Int32Array(length).fill(1), storage };
    const data = noise(length, i + 1);
    if (i === at) data[length >> 1] = value;
    return { data, storage };
  });
}

const gpu = await getGpu();
const types = (await variations()).filter(v => v.act === v.weight);

/** Storages with every tuning, and in f32 with every variant of the class that the call belongs to. */
function cutsOf(each: Case): { name: string; storage: KernelStorage }[] {
  return types.flatMap(({ act, weight }) =>
    tuningsOf(gpu).flatMap(({ name, tuning }) => {
      const plain = { name: `${act}, ${name}`, storage: { act, weight, tuning } };
      const { cut } = each.calls(plain.storage)[0]!;
      if (!cut || act !== 'f32' || tuning !== hardwareTuning) return [plain];
      return variantsOf(cut.shape, tuning).map(variant => ({
        name: `${act}, ${variant}`,
        storage: { act, weight, tuning: { ...tuning, choices: { [cut.shape]: variant } } },
      }));
    }),
  );
}

const isStray = (x: number) => !Number.isFinite(x);
const floats = ({ operands }: Case) => operands.flatMap(([kind], i) => (kind === 'act' || kind === 'f32' ? [i] : []));

async function results(each: Case, storage: KernelStorage, at: number, value: number): Promise<Float32Array> {
  const written = await runKernels(gpu, each.calls(storage), buffers(each, storage, at, value));
  return written.at(-1)!;
}

describe.each(cases)('$name', each => {
  const cuts = cutsOf(each);

  test.each(cuts)('passes NaN and infinities on: $name', async ({ storage }) => {
    const swallowed: string[] = [];
    // Logarithms and roots of the noise are no numbers either; all others are finite without the stray one.
    if (!/log|sqrt/.test(each.name)) expect((await results(each, storage, -1, 0)).some(isStray)).toBe(false);
    for (const at of floats(each))
      for (const value of stray)
        if (!(await results(each, storage, at, value)).some(isStray)) swallowed.push(`${value} of operand ${at}`);
    expect(swallowed).toEqual([]);
  });
});

const overflowing = cases.filter(({ squares }) => squares !== undefined);

describe.each(overflowing)('$name', each => {
  const cuts = cutsOf(each).filter(({ storage }) => storage.act === 'f32');

  test.each(cuts)('makes no number of squares that overflow: $name', async ({ storage }) => {
    for (const at of each.squares!) expect((await results(each, storage, at, 1e25)).some(isStray)).toBe(true);
  });
});

test.each(types.filter(({ act }) => act === 'f16'))(
  'what f16 cannot hold is stored as no number, whichever way the device rounds',
  async () => {
    const x = Float32Array.of(65519, 65520, -65520, 1e5, -1e38, 65504, -65504, 6e-8);
    const source = `
      @group(0) @binding(1) var<storage, read> x: array<f32>;
      @group(0) @binding(2) var<storage, read_write> y: array<act>;
      @compute @workgroup_size(1) fn main(@builtin(workgroup_id) i: vec3u) { y[i.x] = stored(x[i.x]); }`;
    const call: KernelCall<number> = {
      shader: { name: 'stored', source, act: 'f16' },
      uniforms: {},
      bindings: [
        { operand: 0, access: 'read' },
        { operand: 1, access: 'read_write' },
      ],
      workgroups: [x.length, 1, 1],
      cost: { flops: 0, bytes: 0 },
    };
    const [y] = await runKernels(
      gpu,
      [call],
      [
        { data: x, storage: 'f32' },
        { length: x.length, storage: 'f16' },
      ],
    );
    expect(Array.from(y!, Number.isFinite)).toEqual([true, false, false, false, false, true, true, true]);
    expect(y![5]).toBe(65504);
  },
);
