// The closed table of PyTorch expressions: what an op of a training graph is in Python. Maps stay [B,H,W,C] in memory, which is
// PyTorch's channels_last once their axes are named in its order, so that its convolutions move nothing.

import type { Shape } from '../../graph/graph.js';
import type { gradientRules } from '../../graph/ops/gradients/gradient-table.js';
import type { AttrsOf, CompositeOpName, CoreOpName, OpName } from '../../graph/ops/table.js';
import type { UnaryKind } from '../../graph/ops/unary.js';

/** An op and what its inputs are called; null where an optional input is absent. */
export interface Described<A> {
  readonly attrs: A;
  readonly inputs: readonly (string | null)[];
  /** Shapes of the inputs that are there; empty for the others. */
  readonly shapes: readonly Shape[];
  readonly out: Shape;
}

type Expression<A> = (op: Described<A>) => string;

/** Ops that only training has and that a graph holds before it is differentiated. */
type TrainingOpName = Extract<keyof typeof gradientRules, 'batchStatistics' | 'batchNormTraining'>;

type Expressions = { readonly [K in CoreOpName | TrainingOpName]: Expression<AttrsOf<K>> } & {
  readonly [K in CompositeOpName]?: Expression<AttrsOf<K>>;
};

const list = (numbers: readonly number[]): string => `(${numbers.join(', ')}${numbers.length === 1 ? ',' : ''})`;

/** A function of helpers.py over the inputs, the absent ones None. */
const call = (name: string, inputs: readonly (string | null)[], ...more: readonly string[]): string =>
  `${name}(${[...inputs.map(input => input ?? 'None'), ...more].join(', ')})`;

const unaryKinds: Readonly<Record<UnaryKind, (x: string, alpha: number) => string>> = {
  neg: x => `-${x}`,
  exp: x => `torch.exp(${x})`,
  log: x => `torch.log(${x})`,
  sqrt: x => `torch.sqrt(${x})`,
  rsqrt: x => `torch.rsqrt(${x})`,
  reciprocal: x => `torch.reciprocal(${x})`,
  square: x => `torch.square(${x})`,
  sigmoid: x => `torch.sigmoid(${x})`,
  softplus: x => `F.softplus(${x})`,
  gelu: x => `F.gelu(${x})`,
  leakyRelu: (x, alpha) => `F.leaky_relu(${x}, ${alpha})`,
  step: x => `(${x} > 0).to(${x}.dtype)`,
};

const BINARY = { add: '+', sub: '-', mul: '*', div: '/' } as const;

export const expressions: Expressions = {
  attention: ({ attrs, inputs }) => call('attention', inputs, `heads=${attrs.heads}`),
  batchNormTraining: ({ attrs, inputs }) =>
    call('batch_norm', inputs.slice(0, 3), `eps=${attrs.eps}`, `slope=${attrs.slope}`),
  batchStatistics: ({ inputs }) => call('batch_statistics', inputs),
  binary: ({ attrs: { kind }, inputs: [x, y] }) =>
    kind === 'max' || kind === 'min' ? `torch.${kind}imum(${x}, ${y})` : `${x} ${BINARY[kind]} ${y}`,
  broadcast: ({ attrs, inputs: [x] }) => `${x}.expand${list(attrs.shape)}`,
  concat: ({ attrs, inputs }) => `torch.cat([${inputs.join(', ')}], dim=${attrs.axis})`,
  conv2d: ({ attrs, inputs }) => call('conv2d', inputs, `stride=${attrs.stride}`, `padding=${attrs.padding}`),
  depthwise: ({ inputs }) => call('depthwise', inputs),
  embedding: ({ inputs: [table, ids] }) => `F.embedding(${ids}, ${table})`,
  l2Normalize: ({ attrs, inputs: [x] }) => `F.normalize(${x}, dim=-1, eps=${attrs.eps})`,
  layerNorm: ({ attrs, inputs, out }) =>
    `F.layer_norm(${inputs[0]}, ${list(out.slice(-1))}, ${inputs[1] ?? 'None'}, ${inputs[2] ?? 'None'}, ${attrs.eps})`,
  linear: ({ inputs }) => call('F.linear', inputs),
  maxPool: ({ attrs: { size, stride, padding }, inputs }) =>
    call('max_pool', inputs, `size=${size}`, `stride=${stride}`, `padding=${padding}`),
  permute: ({ attrs, inputs: [x] }) => `${x}.permute${list(attrs.order)}`,
  reduce: ({ attrs: { kind, axes }, inputs: [x] }) =>
    `${x}.${kind === 'max' ? 'amax' : kind}(${list(axes)}, keepdim=True)`,
  reshape: ({ inputs: [x], out }) => `${x}.reshape${list(out)}`,
  resize: ({ attrs, inputs }) => call('resize', inputs, `size=${list([attrs.height, attrs.width])}`),
  slice: ({ attrs: { axis, start, end }, inputs: [x] }) => `${x}.narrow(${axis}, ${start}, ${end - start})`,
  softmax: ({ attrs, inputs: [x] }) => `F.${attrs.log ? 'log_softmax' : 'softmax'}(${x}, dim=-1)`,
  unary: ({ attrs: { kind, alpha = 0 }, inputs: [x] }) => unaryKinds[kind](x!, alpha),
};

/** The expression of an op, its attributes' type forgotten; undefined where the op is a composite that must be expanded. */
export const expressionOf = (op: OpName): Expression<object> | undefined =>
  (expressions as Partial<Record<OpName, unknown>>)[op] as Expression<object> | undefined;
