// How the ops of the network are differentiated: for each, the derivatives of the loss by its inputs, as graph. Apart from the ops
// themselves, since a page that segments needs none; what they are made of has its table in gradient-table.ts.

import { type Shape, sizeOf, type Tensor } from '../graph.js';
import type { Gradient } from '../rule.js';
import type { TrainingBuilder as Builder } from '../training-builder.js';
import type { BinaryKind } from './binary.js';
import { sumRows, unbroadcast, zeros } from './gradients/gradient.js';
import { last } from './shared/expect.js';
import type { AttrsOf, CompositeOpName, CoreOpName } from './table.js';
import type { UnaryKind } from './unary.js';

/** 1 where a > b, 0 where a < b, one half where they are equal, as torch.maximum shares its gradient. */
const wins = (b: Builder, x: Tensor, y: Tensor): Tensor => {
  const sign = b.sub(b.step(b.sub(x, y)), b.step(b.sub(y, x)));
  return b.mul(b.add(sign, b.scalar(1)), b.scalar(0.5));
};

interface BinaryPoint {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly out: Tensor;
  readonly dy: Tensor;
}

/** Sums what broadcasting repeated; what can wait until after it, such as a sign, is done on the smaller tensor. */
type Settle = (d: Tensor, like: Tensor) => Tensor;

/** The derivatives by x and by y, in their shapes. */
const ofBinary: {
  readonly [K in BinaryKind]: (b: Builder, at: BinaryPoint, settle: Settle) => readonly [Tensor, Tensor];
} = {
  add: (_, { x, y, dy }, settle) => [settle(dy, x), settle(dy, y)],
  sub: (b, { x, y, dy }, settle) => [settle(dy, x), b.neg(settle(dy, y))],
  mul: (b, { x, y, dy }, settle) => [settle(b.mul(dy, y), x), settle(b.mul(dy, x), y)],
  div(b, { x, y, out, dy }, settle) {
    const dx = b.div(dy, y);
    return [settle(dx, x), b.neg(settle(b.mul(dx, out), y))];
  },
  max: (b, { x, y, dy }, settle) => [settle(b.mul(dy, wins(b, x, y)), x), settle(b.mul(dy, wins(b, y, x)), y)],
  min: (b, { x, y, dy }, settle) => [settle(b.mul(dy, wins(b, y, x)), x), settle(b.mul(dy, wins(b, x, y)), y)],
};

/** Below the root of the smallest f32: a guard against 0/0 that changes no other quotient. */
const TINY = 1e-30;

interface UnaryPoint {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly alpha: number;
}

const times = (b: Builder, x: Tensor, factor: number): Tensor => b.mul(x, b.scalar(factor));

/** dx of each kind, by whichever of x and y needs less. */
const ofUnary: { readonly [K in UnaryKind]: (b: Builder, at: UnaryPoint) => Tensor | null } = {
  neg: (b, { dy }) => b.neg(dy),
  exp: (b, { y, dy }) => b.mul(dy, y),
  log: (b, { x, dy }) => b.div(dy, x),
  // At 0 a norm's square root meets dy = 0 (l2-normalize takes its maximum with eps), which must stay 0 and not be 0/0.
  sqrt: (b, { y, dy }) => b.div(times(b, dy, 0.5), b.max(y, b.scalar(TINY))),
  rsqrt: (b, { y, dy }) => b.mul(times(b, dy, -0.5), b.mul(y, b.square(y))),
  reciprocal: (b, { y, dy }) => b.neg(b.mul(dy, b.square(y))),
  square: (b, { x, dy }) => b.mul(b.add(dy, dy), x),
  sigmoid: (b, { y, dy }) => b.mul(dy, b.mul(y, b.sub(b.scalar(1), y))),
  softplus: (b, { x, dy }) => b.mul(dy, b.sigmoid(x)),
  gelu: (b, { x, dy }) => b.geluGradient(x, dy),
  // At 0 the slope is alpha, as torch's.
  leakyRelu: (b, { x, dy, alpha }) => b.mul(dy, b.add(times(b, b.step(x), 1 - alpha), b.scalar(alpha))),
  step: () => null,
};

/** The derivative of every core op, and of a composite where its own is far less work than its subgraph's. */
type Derivatives = { readonly [K in CoreOpName]: Gradient<AttrsOf<K>> } & {
  readonly [K in CompositeOpName]?: Gradient<AttrsOf<K>>;
};

export const derivatives: Derivatives = {
  attention(b, { inputs: [q, k, v, mask], attrs, dy }) {
    const dk = sizeOf(q!.shape);
    const dv = dk + sizeOf(k!.shape);
    const packed = b.attentionGradient(q!, k!, v!, mask ?? null, dy, attrs);
    const part = (start: number, like: Tensor) =>
      b.reshape(b.slice(packed, { axis: 0, start, end: start + sizeOf(like.shape) }), like.shape);
    return [part(0, q!), part(dk, k!), part(dv, v!), null];
  },
  binary(b, { inputs, out, attrs, dy }) {
    const [x, y] = inputs as readonly [Tensor, Tensor];
    return ofBinary[attrs.kind](b, { x, y, out, dy }, (d, like) => unbroadcast(b, d, like.shape));
  },
  broadcast: (b, { inputs, dy }) => [unbroadcast(b, dy, inputs[0]!.shape)],
  concat(b, { inputs, attrs: { axis }, dy }) {
    let end = 0;
    return inputs.map(x => {
      const start = end;
      end += x!.shape[axis]!;
      return b.slice(dy, { axis, start, end });
    });
  },
  conv2d(b, { inputs: [x, w], attrs, dy }) {
    const [, height, width] = x!.shape as [number, number, number];
    const [, kernelHeight, kernelWidth] = w!.shape as [number, number, number];
    return [
      b.conv2dInputGradient(dy, w!, { ...attrs, height, width }),
      b.conv2dWeightGradient(x!, dy, { ...attrs, kernelHeight, kernelWidth }),
      sumRows(b, dy),
    ];
  },
  depthwise(b, { inputs: [x, w], dy }) {
    const [kernelHeight, kernelWidth] = w!.shape as [number, number];
    return [
      b.depthwiseInputGradient(dy, w!),
      b.depthwiseWeightGradient(x!, dy, { kernelHeight, kernelWidth }),
      sumRows(b, dy),
    ];
  },
  embedding: (b, { inputs: [table, ids], dy }) => [
    b.embeddingGradient(ids!, dy, { vocabulary: table!.shape[0]! }),
    null,
  ],
  l2Normalize: (b, { inputs, attrs, dy }) => [b.l2NormalizeGradient(inputs[0]!, dy, attrs)],
  layerNorm(b, { inputs: [x, weight], attrs, dy }) {
    const [size, c] = [sizeOf(x!.shape), last(x!.shape)];
    const all = b.layerNormGradient(x!, weight ?? null, dy, attrs);
    const part = (start: number, shape: Shape) =>
      b.reshape(b.slice(all, { axis: 0, start, end: start + sizeOf(shape) }), shape);
    const dx = part(0, x!.shape);
    return weight ? [dx, part(size, [c]), part(size + c, [c])] : [dx, null, null];
  },
  linear: (b, { inputs: [x, w], dy }) => [
    b.linearInputGradient(dy, w!),
    b.linearWeightGradient(x!, dy),
    sumRows(b, dy),
  ],
  maxPool: (b, { inputs: [x], attrs, dy }) => [b.maxPoolGradient(x!, dy, attrs)],
  permute: (b, { attrs: { order }, dy }) => [
    b.permute(
      dy,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
  reduce(b, { inputs, out, attrs: { kind, axes }, dy }) {
    const x = inputs[0]!;
    if (kind !== 'max') {
      const share = kind === 'mean' ? b.mul(dy, b.scalar(sizeOf(out.shape) / sizeOf(x.shape))) : dy;
      return [b.broadcast(share, { shape: x.shape })];
    }
    // Shared out evenly where several are greatest, as torch.amax does.
    const greatest = b.sub(b.scalar(1), b.step(b.sub(out, x)));
    return [b.mul(greatest, b.div(dy, b.sum(greatest, axes)))];
  },
  reshape: (b, { inputs, dy }) => [b.reshape(dy, inputs[0]!.shape)],
  resize(b, { inputs, dy }) {
    const [, height, width] = inputs[0]!.shape as [number, number, number];
    return [b.resizeGradient(dy, { height, width })];
  },
  slice(b, { inputs, attrs: { axis, start, end }, dy }) {
    const { shape } = inputs[0]!;
    const gap = (n: number): Tensor[] =>
      n === 0
        ? []
        : [
            zeros(
              b,
              shape.map((side, a) => (a === axis ? n : side)),
            ),
          ];
    return [b.concat([...gap(start), dy, ...gap(shape[axis]! - end)], { axis })];
  },
  softmax(b, { out: y, attrs: { log }, dy }) {
    const axes = [y.shape.length - 1];
    if (log) return [b.sub(dy, b.mul(b.exp(y), b.sum(dy, axes)))];
    return [b.mul(y, b.sub(dy, b.sum(b.mul(dy, y), axes)))];
  },
  unary: (b, { inputs, out, attrs: { kind, alpha = 0 }, dy }) => [
    ofUnary[kind](b, { x: inputs[0]!, y: out, dy, alpha }),
  ],
};
