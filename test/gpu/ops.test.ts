// Every op of the table on the device against the interpreter: shapes that are multiples of nothing, every storage, and
// composites against the subgraph that they stand for.

import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { unit } from '../../formats/weights/name-seeded-parameters.js';
import { makeNode } from '../../graph/builder.js';
import { sizeOf, type Tensor, topological } from '../../graph/graph.js';
import { evaluate } from '../../graph/interpreter.js';
import { gradientRules } from '../../graph/ops/gradients/gradient-table.js';
import { addGradientRules, type OpName, ruleOf, rules } from '../../graph/ops/table.js';
import { setPrecision } from '../../graph/passes/index.js';
import { trainingBuilder as b } from '../../graph/training-builder.js';
import type { PrecisionChoice } from '../../runtime/engines/choice.js';
import { type HostTensor, runGraph } from '../../runtime/engines/webgpu/run-graph.js';
import { expectClose, tolerance } from '../tolerance.js';
import { deviceVariations } from './device.js';

addGradientRules(gradientRules);
const allRules = { ...rules, ...gradientRules };

/** An input named after its place, filled with fixed numbers in [-1, 1). */
const x = (name: string, ...shape: number[]) => b.input(name, shape);
const ids = (name: string, ...shape: number[]) => b.input(name, shape, 'i32');
const w = (...shape: number[]) => b.constant(unit(`w${shape}`, sizeOf(shape)), shape);

/** Whole numbers of an int8 weight, and scales that are positive. */
const int8 = (...shape: number[]): Tensor => ({
  ...b.constant(
    unit(`q${shape}`, sizeOf(shape)).map(v => Math.round(127 * v)),
    shape,
  ),
  dtype: 'i8',
});
const int8Scale = (n: number) =>
  b.constant(
    unit('scale', n).map(v => (1.5 + v) / 127),
    [n],
  );

/** One tensor that holds several projections side by side: its readers share the node, as a graph's inputs go by name. */
const qkv = x('qkv', 2, 5, 36);
const keyValue = x('kv', 1, 4, 20);
const takenApart = b.layerNormGradient(x('x', 39, 7), w(7), x('dy', 39, 7), { eps: 1e-6 });
/** Batches whose statistics are taken. */
const [rows8, batch5, batch24] = [x('x', 70, 8), x('x', 2, 3, 3, 5), x('x', 2, 33, 9, 24)];

const cases: { readonly [K in OpName]: readonly Tensor[] } = {
  linear: [
    b.linear(x('x', 2, 5, 7), w(3, 7), w(3)),
    b.linear(x('x', 1, 64), w(48, 64)),
    b.linear(x('x', 3, 9), x('y', 3, 9)),
    b.linear(x('x', 1, 70, 33), w(65, 33), w(65)),
  ],
  conv2d: [
    b.conv2d(x('x', 2, 9, 7, 3), w(5, 3, 3, 3), w(5), { stride: 1, padding: 1 }),
    b.conv2d(x('x', 1, 8, 12, 3), w(8, 4, 4, 3), w(8), { stride: 4, padding: 0 }),
    b.conv2d(x('x', 1, 6, 6, 8), w(12, 2, 2, 8), null, { stride: 2, padding: 0 }),
    b.conv2d(x('x', 1, 5, 5, 4), w(1, 1, 1, 4), w(1), { stride: 1, padding: 0 }),
  ],
  depthwise: [b.depthwise(x('x', 2, 9, 7, 5), w(7, 7, 5), w(5)), b.depthwise(x('x', 1, 8, 8, 12), w(7, 7, 12), null)],
  attention: [
    b.attention(x('q', 2, 5, 12), x('k', 2, 7, 12), x('v', 2, 7, 12), ids('mask', 2, 7), { heads: 4 }),
    b.attention(x('q', 1, 33, 26), x('k', 1, 9, 26), x('v', 1, 9, 26), null, { heads: 2 }),
    b.attention(x('q', 1, 49, 64), x('k', 1, 49, 64), x('v', 1, 49, 64), null, { heads: 1 }),
  ],
  layerNorm: [
    b.layerNorm(x('x', 3, 7), w(7), w(7), { eps: 1e-6 }),
    b.layerNorm(x('x', 2, 5, 48), null, null, { eps: 1e-5 }),
  ],
  batchNorm: [b.batchNorm(x('x', 2, 3, 3, 5), w(5), w(5), w(5), b.add(w(5), b.scalar(2)), { eps: 1e-5 })],
  unary: (
    [
      'neg',
      'exp',
      'sqrt',
      'rsqrt',
      'reciprocal',
      'log',
      'square',
      'sigmoid',
      'softplus',
      'gelu',
      'leakyRelu',
      'step',
    ] as const
  ).map(kind => {
    const positive = b.add(x('x', 3, 7), b.scalar(1.5));
    const needsPositive = ['sqrt', 'rsqrt', 'reciprocal', 'log'].includes(kind);
    return makeNode('unary', [needsPositive ? positive : x('x', 3, 7)], { kind, alpha: 0.01 });
  }),
  binary: [
    b.add(x('x', 3, 7), x('y', 3, 7)),
    b.mul(x('x', 2, 3, 3, 5), x('y', 2, 3, 3, 1)),
    b.sub(x('x', 4, 1), x('y', 1, 5)),
    b.div(x('x', 2, 3), b.constant([3, 2, 4], [3])),
    b.max(x('x', 2, 8), x('y', 8)),
    makeNode('binary', [x('x', 2, 8), x('y', 2, 8)], { kind: 'min' }),
  ],
  reduce: [
    b.sum(x('x', 3, 70, 5), [1]),
    b.mean(x('x', 2, 4, 4, 6), [1, 2]),
    b.mean(x('x', 300), [0]),
    // Long enough for two calls; and the same, but a prime.
    b.mean(x('x', 3, 1000, 5), [0, 1]),
    b.sum(x('x', 2053, 2), [0]),
    makeNode('reduce', [x('x', 5, 33)], { kind: 'max', axes: [1] }),
  ],
  softmax: [b.softmax(x('x', 3, 7)), b.logSoftmax(x('x', 2, 300))],
  embedding: [b.embedding(w(11, 6), ids('ids', 2, 5)), b.embedding(w(7, 5), ids('ids', 3))],
  scaledEmbedding: [
    makeNode('scaledEmbedding', [int8(11, 6), ids('ids', 2, 5), int8Scale(11)], {}),
    makeNode('scaledEmbedding', [int8(7, 8), ids('ids', 3), int8Scale(7)], {}),
  ],
  reshape: [b.reshape(b.add(x('x', 2, 6), x('y', 2, 6)), [3, 4])],
  permute: [b.permute(x('x', 2, 3, 5), [2, 0, 1]), b.transpose(x('x', 7, 4))],
  slice: [b.slice(x('x', 3, 9), { axis: 1, start: 2, end: 7 }), b.slice(x('x', 5, 4), { axis: 0, start: 1, end: 3 })],
  concat: [
    b.concat([x('x', 2, 3), x('y', 2, 5), x('z', 2, 1)], { axis: 1 }),
    b.concat([x('x', 1, 4), x('y', 2, 4)], { axis: 0 }),
  ],
  maxPool: [
    b.maxPool(x('x', 2, 9, 7, 5), { size: 2, stride: 2, padding: 0 }),
    b.maxPool(x('x', 1, 8, 6, 8), { size: 3, stride: 2, padding: 1 }),
  ],
  resize: [
    b.resize(x('x', 2, 3, 5, 2), { height: 6, width: 10 }),
    b.resize(x('x', 1, 7, 7, 1), { height: 10, width: 3 }),
  ],
  depthToSpace: [
    b.depthToSpace(x('x', 2, 3, 2, 20), { block: 2, order: 'CRD' }),
    b.depthToSpace(x('x', 1, 3, 2, 27), { block: 3, order: 'DCR' }),
  ],
  l2Normalize: [b.l2Normalize(x('x', 3, 7), { eps: 1e-12 })],
  maskedMean: [b.maskedMean(x('x', 2, 5, 7), ids('mask', 2, 5))],
  ltem: [
    b.ltem(x('x', 2, 3, 5, 7), x('t', 2, 7), { tau: 0.5 }),
    b.ltem(x('x', 1, 8, 8, 12), x('t', 1, 12), { tau: 1 }),
  ],
  fusedLinear: [
    makeNode('fusedLinear', [x('x', 2, 6, 7), w(5, 7), w(5), w(6, 5), x('r', 2, 6, 5)], {
      activation: 'gelu',
      block: 1,
    }),
    makeNode('fusedLinear', [x('x', 1, 64, 32), w(48, 32), w(48), null, x('r', 1, 64, 48)], {
      activation: 'none',
      block: 1,
    }),
    makeNode('fusedLinear', [x('x', 2, 3, 5, 8), w(12, 8), null, null, null], { activation: 'leakyRelu', block: 2 }),
    makeNode('fusedLinear', [x('x', 2, 6, 7), int8(5, 7), w(5), w(6, 5), x('r', 2, 6, 5), int8Scale(5)], {
      activation: 'gelu',
      block: 1,
    }),
  ],
  fusedConv2d: [
    makeNode('fusedConv2d', [x('x', 1, 5, 5, 4), x('y', 1, 5, 5, 8), w(6, 3, 3, 12), w(6), x('g', 1, 5, 5, 1)], {
      stride: 1,
      padding: 1,
      activation: 'leakyRelu',
      block: 1,
      order: 'CRD',
    }),
    makeNode('fusedConv2d', [x('x', 2, 3, 4, 5), x('y', 2, 3, 4, 2), w(12, 3, 3, 7), null, null], {
      stride: 1,
      padding: 1,
      activation: 'gelu',
      block: 2,
      order: 'CRD',
    }),
    makeNode('fusedConv2d', [x('x', 1, 4, 4, 8), null, w(16, 3, 3, 8), w(16), null], {
      stride: 1,
      padding: 1,
      activation: 'none',
      block: 4,
      order: 'DCR',
    }),
    makeNode('fusedConv2d', [x('x', 1, 5, 5, 4), null, int8(6, 3, 3, 4), w(6), x('g', 1, 5, 5, 1), int8Scale(6)], {
      stride: 1,
      padding: 1,
      activation: 'leakyRelu',
      block: 1,
      order: 'CRD',
    }),
  ],
  depthwiseNorm: [
    makeNode('depthwiseNorm', [x('x', 2, 9, 7, 5), w(7, 7, 5), w(5)], { eps: 1e-6 }),
    makeNode('depthwiseNorm', [x('x', 1, 8, 8, 24), w(7, 7, 24), w(24)], { eps: 1e-6 }),
    makeNode('depthwiseNorm', [x('x', 1, 5, 7, 12), w(3, 3, 12), w(12), w(12), w(12)], { eps: 1e-6 }),
  ],
  normResidual: [
    makeNode('normResidual', [x('x', 3, 7), w(7), w(7), x('a', 3, 7), x('p', 3, 7)], { eps: 1e-5 }),
    makeNode('normResidual', [x('x', 2, 4, 8), null, null, null, x('p', 2, 4, 8)], { eps: 1e-5 }),
  ],
  packedAttention: [
    makeNode('packedAttention', [qkv, qkv, qkv, null], {
      heads: 3,
      channels: 12,
      offsets: [0, 12, 24],
    }),
    makeNode('packedAttention', [x('q', 1, 6, 10), keyValue, keyValue, ids('mask', 1, 4)], {
      heads: 2,
      channels: 10,
      offsets: [0, 10, 0],
    }),
  ],
  broadcast: [b.broadcast(x('x', 3, 1), { shape: [2, 3, 5] }), b.broadcast(x('x', 7), { shape: [33, 7] })],
  batchStatistics: [b.batchStatistics(x('x', 2, 3, 3, 5)), b.batchStatistics(x('x', 2, 33, 9, 24))],
  batchNormTraining: [
    b.batchNormTraining(x('x', 2, 3, 3, 5), w(5), w(5), b.add(b.square(w(2, 5)), b.scalar(0.1)), {
      eps: 1e-5,
      slope: 0.01,
    }),
    b.batchNormTraining(rows8, w(8), w(8), b.batchStatistics(rows8), { eps: 1e-5, slope: 1 }),
  ],
  batchNormGradient: [
    b.batchNormGradient(batch5, w(5), b.batchStatistics(batch5), x('y', 2, 3, 3, 5), x('dy', 2, 3, 3, 5), {
      eps: 1e-5,
      slope: 0.01,
    }),
    b.batchNormGradient(batch24, w(24), b.batchStatistics(batch24), x('y', 2, 33, 9, 24), x('dy', 2, 33, 9, 24), {
      eps: 1e-5,
      slope: 1,
    }),
  ],
  geluGradient: [b.geluGradient(x('x', 3, 7), x('dy', 3, 7)), b.geluGradient(x('x', 2, 300), x('dy', 2, 300))],
  l2NormalizeGradient: [
    b.l2NormalizeGradient(x('x', 3, 7), x('dy', 3, 7), { eps: 1e-12 }),
    b.l2NormalizeGradient(x('x', 33, 100), x('dy', 33, 100), { eps: 1e-12 }),
    b.l2NormalizeGradient(x('x', 5, 13), x('dy', 5, 13), { eps: 1e3 }),
  ],
  linearInputGradient: [
    b.linearInputGradient(x('dy', 2, 5, 3), w(3, 7)),
    b.linearInputGradient(x('dy', 70, 8), w(8, 33)),
  ],
  linearWeightGradient: [
    b.linearWeightGradient(x('x', 2, 5, 7), x('dy', 2, 5, 3)),
    b.linearWeightGradient(x('x', 300, 8), x('dy', 300, 12)),
  ],
  conv2dInputGradient: [
    b.conv2dInputGradient(x('dy', 2, 9, 7, 5), w(5, 3, 3, 3), { stride: 1, padding: 1, height: 9, width: 7 }),
    b.conv2dInputGradient(x('dy', 1, 2, 3, 8), w(8, 4, 4, 3), { stride: 4, padding: 0, height: 8, width: 12 }),
    b.conv2dInputGradient(x('dy', 1, 3, 3, 4), w(4, 2, 2, 8), { stride: 2, padding: 0, height: 7, width: 6 }),
  ],
  conv2dWeightGradient: [
    b.conv2dWeightGradient(x('x', 2, 9, 7, 3), x('dy', 2, 9, 7, 5), {
      stride: 1,
      padding: 1,
      kernelHeight: 3,
      kernelWidth: 3,
    }),
    b.conv2dWeightGradient(x('x', 1, 9, 12, 4), x('dy', 1, 4, 6, 8), {
      stride: 2,
      padding: 0,
      kernelHeight: 2,
      kernelWidth: 2,
    }),
  ],
  depthwiseInputGradient: [
    b.depthwiseInputGradient(x('dy', 2, 9, 7, 5), w(7, 7, 5)),
    b.depthwiseInputGradient(x('dy', 1, 8, 8, 12), w(7, 7, 12)),
  ],
  depthwiseWeightGradient: [
    b.depthwiseWeightGradient(x('x', 2, 9, 7, 5), x('dy', 2, 9, 7, 5), { kernelHeight: 7, kernelWidth: 7 }),
    b.depthwiseWeightGradient(x('x', 1, 8, 8, 12), x('dy', 1, 8, 8, 12), { kernelHeight: 7, kernelWidth: 7 }),
  ],
  attentionGradient: [
    b.attentionGradient(x('q', 2, 5, 12), x('k', 2, 7, 12), x('v', 2, 7, 12), ids('mask', 2, 7), x('dy', 2, 5, 12), {
      heads: 4,
    }),
    b.attentionGradient(x('q', 1, 33, 26), x('k', 1, 9, 26), x('v', 1, 9, 26), null, x('dy', 1, 33, 26), { heads: 2 }),
    b.attentionGradient(qkv, qkv, qkv, null, x('dy', 2, 5, 36), { heads: 3 }),
  ],
  layerNormGradient: [
    // Parts taken one by one, the last first: on a device each has a buffer of its own.
    b.concat(
      [
        [280, 287],
        [273, 280],
        [0, 273],
      ].map(([start, end]) => b.slice(takenApart, { axis: 0, start: start!, end: end! })),
      { axis: 0 },
    ),
    b.layerNormGradient(x('x', 3, 7), w(7), x('dy', 3, 7), { eps: 1e-6 }),
    b.layerNormGradient(x('x', 2, 5, 48), null, x('dy', 2, 5, 48), { eps: 1e-5 }),
  ],
  embeddingGradient: [
    b.embeddingGradient(ids('ids', 2, 5), x('dy', 2, 5, 6), { vocabulary: 11 }),
    b.embeddingGradient(ids('ids', 33), x('dy', 33, 8), { vocabulary: 4 }),
  ],
  maxPoolGradient: [
    b.maxPoolGradient(x('x', 2, 9, 7, 5), x('dy', 2, 4, 3, 5), { size: 2, stride: 2, padding: 0 }),
    b.maxPoolGradient(x('x', 1, 8, 6, 8), x('dy', 1, 4, 3, 8), { size: 3, stride: 2, padding: 1 }),
  ],
  resizeGradient: [
    b.resizeGradient(x('dy', 2, 6, 10, 2), { height: 3, width: 5 }),
    b.resizeGradient(x('dy', 1, 10, 3, 4), { height: 7, width: 7 }),
  ],
};

/** Whether the kernels of `op` refuse a storage: what only training has runs in f32, as gradients of TMCA span more orders of magnitude than f16 holds. */
const refuses = (op: OpName, { activations, weights }: PrecisionChoice): boolean =>
  op in gradientRules && (activations === 'f16' || (weights === 'f16' && (ruleOf(op).slots ?? []).includes('weight')));

/** Numbers for the input leaves, the same for each name and shape; masks keep at least their first place. */
function feedFor(output: Tensor): Record<string, HostTensor> {
  const feed: Record<string, HostTensor> = {};
  for (const t of topological([output])) {
    if (t.op !== 'input') continue;
    const values = unit(t.name, sizeOf(t.shape));
    if (t.dtype !== 'i32') feed[t.name] = { shape: t.shape, data: values };
    else if (t.name !== 'mask') feed[t.name] = { shape: t.shape, data: values.map(u => Math.floor((u + 1) * 3)) };
    else feed[t.name] = { shape: t.shape, data: values.map((u, i) => (i % t.shape[1]! === 0 || u > 0 ? 1 : 0)) };
  }
  return feed;
}

/** What a device that stores f16 is given: the reference must see the same numbers. */
const rounded = (feed: Record<string, HostTensor>, output: Tensor): Record<string, HostTensor> => {
  const halves = (data: ArrayLike<number>) => Float64Array.from(data, v => Math.fround(Math.round(v * 1024) / 1024));
  const integer = new Set(topological([output]).flatMap(t => (t.op === 'input' && t.dtype === 'i32' ? [t.name] : [])));
  return Object.fromEntries(
    Object.entries(feed).map(([name, t]) => [name, integer.has(name) ? t : { ...t, data: halves(t.data) }]),
  );
};

const variations = await deviceVariations();

describe.each(variations)('$name', ({ gpu, precision }) => {
  const { activations, weights } = precision;
  for (const op of Object.keys(allRules) as OpName[]) {
    test.each(cases[op].map((output, i) => ({ i, output })))(`${op} $i`, async ({ output }) => {
      const feed = rounded(feedFor(output), output);
      const assembly = await loadAssembly();
      const running = runGraph(gpu, assembly, setPrecision({ y: output }, activations), feed, { weights });
      if (refuses(op, precision)) {
        await expect(running).rejects.toMatchObject({ code: 'UNSUPPORTED' });
        return;
      }
      const run = await running;
      const { y } = evaluate({ y: output }, { input: name => feed[name]!.data });
      expect(run.outputs.y!.shape).toEqual(y.shape);
      const loose = activations === 'f16' || weights === 'f16' ? { abs: 1e-2, rel: 5e-3 } : tolerance.f32;
      expectClose(run.outputs.y!.data, y.data, loose);
    });
  }
});
