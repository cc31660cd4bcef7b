// Constructors of tensors. Shapes are inferred and checked as a graph is built, so a mistake names its own line.

import { check } from '../errors/index.js';
import type { ConstantTensor, DType, InputTensor, OpTensor, ParameterTensor, Shape, Tensor } from './graph.js';
import { showShape, sizeOf } from './graph.js';
import { type AttrsOf, type OpName, ruleOf } from './ops/table.js';
import { slotOf } from './rule.js';

/** Any op by name. `dtype` defaults to f16 if an activation among the inputs is, else to the first one's, else f32. */
export function makeNode<K extends OpName>(
  op: K,
  inputs: readonly (Tensor | null)[],
  attrs: AttrsOf<K>,
  dtype?: DType,
): OpTensor {
  const rule = ruleOf(op);
  const shape = rule.expand
    ? rule.expand(builder, inputs, attrs as object).shape
    : rule.infer(
        inputs.map(t => t?.shape ?? null),
        attrs as object,
      );
  const acts = inputs.filter((t, i) => t && slotOf(rule, i) === 'act').map(t => t!.dtype);
  const inherited = acts.includes('f16') ? 'f16' : (acts[0] ?? 'f32');
  return { op, inputs, attrs: attrs as object, shape, dtype: dtype ?? inherited };
}

/** The attributes of an op without any. */
export const none: Record<never, never> = {};

const input = (name: string, shape: Shape, dtype: DType = 'f32'): InputTensor => ({ op: 'input', name, shape, dtype });

const parameter = (name: string, shape: Shape): ParameterTensor => ({ op: 'parameter', name, shape, dtype: 'f32' });

function constant(data: ArrayLike<number>, shape: Shape): ConstantTensor {
  check(
    data.length === sizeOf(shape),
    'SHAPE_MISMATCH',
    () => `constant: as many numbers as the shape holds, got ${data.length} for ${showShape(shape)}`,
  );
  return { op: 'constant', data: new Float64Array(data), shape, dtype: 'f32' };
}

/**
 * A constant whose numbers follow from its `formula`, which tells it from every other: made when they are first read. A graph is
 * often built for its names and shapes alone.
 */
function computed(formula: string, shape: Shape, make: () => Float64Array): ConstantTensor {
  let data: Float64Array | undefined;
  return {
    ...{ op: 'constant', formula, shape, dtype: 'f32' },
    get data() {
      data ??= make();
      return data;
    },
  };
}

/** `shape` with one -1 replaced by what the size demands. */
function resolveShape(size: number, shape: Shape): Shape {
  const known = shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  return shape.map(n => (n === -1 ? size / known : n));
}

export type Maybe = Tensor | null;

/** One function an op, and the few names that read better than an op's attributes. */
export const builder = {
  input,
  parameter,
  constant,
  computed,
  scalar: (value: number) => constant([value], [1]),
  linear: (x: Tensor, weight: Tensor, bias: Maybe = null) => makeNode('linear', [x, weight, bias], none),
  conv2d: (x: Tensor, weight: Tensor, bias: Maybe, attrs: AttrsOf<'conv2d'>) =>
    makeNode('conv2d', [x, weight, bias], attrs),
  depthwise: (x: Tensor, weight: Tensor, bias: Maybe) => makeNode('depthwise', [x, weight, bias], none),
  attention: (q: Tensor, k: Tensor, v: Tensor, mask: Maybe, attrs: AttrsOf<'attention'>) =>
    makeNode('attention', [q, k, v, mask], attrs),
  layerNorm: (x: Tensor, weight: Maybe, bias: Maybe, attrs: AttrsOf<'layerNorm'>) =>
    makeNode('layerNorm', [x, weight, bias], attrs),
  batchNorm: (x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, attrs: AttrsOf<'batchNorm'>) =>
    makeNode('batchNorm', [x, weight, bias, mean, variance], attrs),
  l2Normalize: (x: Tensor, attrs: AttrsOf<'l2Normalize'>) => makeNode('l2Normalize', [x], attrs),
  softmax: (x: Tensor) => makeNode('softmax', [x], { log: false }),
  logSoftmax: (x: Tensor) => makeNode('softmax', [x], { log: true }),
  embedding: (table: Tensor, ids: Tensor) => makeNode('embedding', [table, ids], none),
  maskedMean: (x: Tensor, mask: Tensor) => makeNode('maskedMean', [x, mask], none),
  maxPool: (x: Tensor, attrs: AttrsOf<'maxPool'>) => makeNode('maxPool', [x], attrs),
  ltem: (features: Tensor, text: Tensor, attrs: AttrsOf<'ltem'>) => makeNode('ltem', [features, text], attrs),
  broadcast: (x: Tensor, attrs: AttrsOf<'broadcast'>) => makeNode('broadcast', [x], attrs),
  reshape: (x: Tensor, shape: Shape) => makeNode('reshape', [x], { shape: resolveShape(sizeOf(x.shape), shape) }),
  permute: (x: Tensor, order: readonly number[]) => makeNode('permute', [x], { order }),
  transpose: (x: Tensor) => makeNode('permute', [x], { order: [1, 0] }),
  slice: (x: Tensor, attrs: AttrsOf<'slice'>) => makeNode('slice', [x], attrs),
  concat: (parts: readonly Tensor[], attrs: AttrsOf<'concat'>) => makeNode('concat', parts, attrs),
  depthToSpace: (x: Tensor, attrs: AttrsOf<'depthToSpace'>) => makeNode('depthToSpace', [x], attrs),
  resize: (x: Tensor, attrs: AttrsOf<'resize'>) => makeNode('resize', [x], attrs),
  sum: (x: Tensor, axes: readonly number[]) => makeNode('reduce', [x], { kind: 'sum', axes }),
  mean: (x: Tensor, axes: readonly number[]) => makeNode('reduce', [x], { kind: 'mean', axes }),
  add: (a: Tensor, b: Tensor) => makeNode('binary', [a, b], { kind: 'add' }),
  sub: (a: Tensor, b: Tensor) => makeNode('binary', [a, b], { kind: 'sub' }),
  mul: (a: Tensor, b: Tensor) => makeNode('binary', [a, b], { kind: 'mul' }),
  div: (a: Tensor, b: Tensor) => makeNode('binary', [a, b], { kind: 'div' }),
  max: (a: Tensor, b: Tensor) => makeNode('binary', [a, b], { kind: 'max' }),
  neg: (x: Tensor) => makeNode('unary', [x], { kind: 'neg' }),
  exp: (x: Tensor) => makeNode('unary', [x], { kind: 'exp' }),
  sqrt: (x: Tensor) => makeNode('unary', [x], { kind: 'sqrt' }),
  rsqrt: (x: Tensor) => makeNode('unary', [x], { kind: 'rsqrt' }),
  square: (x: Tensor) => makeNode('unary', [x], { kind: 'square' }),
  sigmoid: (x: Tensor) => makeNode('unary', [x], { kind: 'sigmoid' }),
  softplus: (x: Tensor) => makeNode('unary', [x], { kind: 'softplus' }),
  gelu: (x: Tensor) => makeNode('unary', [x], { kind: 'gelu' }),
  leakyRelu: (x: Tensor, alpha: number) => makeNode('unary', [x], { kind: 'leakyRelu', alpha }),
  step: (x: Tensor) => makeNode('unary', [x], { kind: 'step' }),
  // What only training has: BatchNorm with the batch's own statistics, [2,C].
  batchStatistics: (x: Tensor) => makeNode('batchStatistics', [x], none),
  batchNormTraining: (
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    statistics: Tensor,
    attrs: AttrsOf<'batchNormTraining'>,
  ) => makeNode('batchNormTraining', [x, weight, bias, statistics], attrs),
};

export type Builder = typeof builder;
