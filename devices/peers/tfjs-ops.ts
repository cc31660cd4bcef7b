// The network's core ops in TensorFlow.js's, one for one, as whoever writes a network with it would: what it has as an op (dense and
// depthwise convolution, matrix product, softmax, gather) is that op, what it does not have (LayerNorm, attention, exact GELU) is
// composed. Its own gradients do the rest.

import type { OpTensor } from '../../graph/graph.js';
import { taps } from '../../graph/ops/oracle.js';
import type { AttrsOf, CoreOpName } from '../../graph/ops/table.js';
import type { Tf, TfTensor } from './tfjs-types.js';

/** Ops of training that the graph has beside those of the network. */
type OpName = CoreOpName | 'batchStatistics' | 'batchNormTraining';

type Inputs = readonly TfTensor[];
type Rule<A> = (tf: Tf, inputs: Inputs, attrs: A, node: OpTensor) => TfTensor;

const last = ({ shape }: TfTensor): number => shape[shape.length - 1]!;

const plus = (tf: Tf, x: TfTensor, bias: TfTensor | undefined): TfTensor => (bias ? tf.add(x, bias) : x);

/** (x - mean) / sqrt(variance + eps) over the last axis. */
function normalised(tf: Tf, x: TfTensor, eps: number): TfTensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)));
}

/**
 * From so long rows on, tfjs-backend-webgpu 4.22 sums a product of few outputs in parts (MatMulSplitKProgram), and that program is wrong
 * where its second operand is to be read transposed (errors of 1e-3 and more). Transposed before, it is right. For its next version to
 * remove: compare x [16,4096] times y [20,4096] transposed with the sum written out.
 */
const SPLIT_K = 2000;

/** [B,N,C] as [B,heads,N,C/heads]. */
const split = (tf: Tf, x: TfTensor, heads: number): TfTensor =>
  tf.transpose(tf.reshape(x, [x.shape[0]!, x.shape[1]!, heads, last(x) / heads]), [0, 2, 1, 3]);

/** Bilinear interpolation along an axis as a matrix, [1,to,from]: tfjs's own resize has no gradient for half-pixel centres. */
function interpolation(tf: Tf, from: number, to: number): TfTensor {
  const weights = new Float32Array(to * from);
  taps(from, to).forEach(({ low, high, part }, row) => {
    weights[row * from + low]! += 1 - part;
    weights[row * from + high]! += part;
  });
  return tf.tensor(weights, [1, to, from]);
}

const UNARY: { readonly [K in AttrsOf<'unary'>['kind']]: (tf: Tf, x: TfTensor, alpha: number) => TfTensor } = {
  neg: (tf, x) => tf.neg(x),
  exp: (tf, x) => tf.exp(x),
  log: (tf, x) => tf.log(x),
  sqrt: (tf, x) => tf.sqrt(x),
  rsqrt: (tf, x) => tf.rsqrt(x),
  reciprocal: (tf, x) => tf.reciprocal(x),
  square: (tf, x) => tf.square(x),
  sigmoid: (tf, x) => tf.sigmoid(x),
  softplus: (tf, x) => tf.softplus(x),
  gelu: (tf, x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  leakyRelu: (tf, x, alpha) => tf.leakyRelu(x, alpha),
  step: (tf, x) => tf.step(x),
};

const BINARY: { readonly [K in AttrsOf<'binary'>['kind']]: (tf: Tf, a: TfTensor, b: TfTensor) => TfTensor } = {
  add: (tf, a, b) => tf.add(a, b),
  sub: (tf, a, b) => tf.sub(a, b),
  mul: (tf, a, b) => tf.mul(a, b),
  div: (tf, a, b) => tf.div(a, b),
  max: (tf, a, b) => tf.maximum(a, b),
  min: (tf, a, b) => tf.minimum(a, b),
};

export const tfjsOps: { readonly [K in OpName]: Rule<AttrsOf<K>> } = {
  linear(tf, [x, weight, bias], _attrs, { shape }) {
    const rows = tf.reshape(x!, [-1, last(x!)]);
    const y =
      last(x!) < SPLIT_K ? tf.matMul(rows, weight!, false, true) : tf.matMul(rows, tf.transpose(weight!, [1, 0]));
    return tf.reshape(plus(tf, y, bias), shape);
  },
  // the weight as tfjs has it, [kh,kw,I,O]: tfjs-network.ts keeps it so
  conv2d: (tf, [x, weight, bias], { stride, padding }) =>
    plus(tf, tf.conv2d(x!, weight!, stride, padding, 'NHWC', 1, 'floor'), bias),
  maxPool: (tf, [x], { size, stride, padding }) => tf.maxPool(x!, size, stride, padding, 'floor'),
  depthwise(tf, [x, weight, bias]) {
    const [kh, kw, channels] = weight!.shape as [number, number, number];
    return plus(tf, tf.depthwiseConv2d(x!, tf.reshape(weight!, [kh, kw, channels, 1]), 1, 'same'), bias);
  },
  attention(tf, [q, k, v, mask], { heads }, { shape }) {
    const [queries, keys, values] = [q!, k!, v!].map(x => split(tf, x, heads)) as [TfTensor, TfTensor, TfTensor];
    let scores = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(last(queries)));
    if (mask) {
      const [batch, length] = mask.shape as [number, number];
      const there = tf.reshape(tf.cast(mask, 'float32'), [batch, 1, 1, length]);
      scores = tf.add(scores, tf.mul(tf.sub(1, there), -1e9));
    }
    return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), values), [0, 2, 1, 3]), shape);
  },
  layerNorm(tf, [x, weight, bias], { eps }) {
    const y = normalised(tf, x!, eps);
    return weight ? plus(tf, tf.mul(y, weight), bias) : y;
  },
  batchStatistics(tf, [x]) {
    const { mean, variance } = tf.moments(tf.reshape(x!, [-1, last(x!)]), 0);
    return tf.stack([mean, variance]);
  },
  batchNormTraining(tf, [x, weight, bias, statistics], { eps, slope }) {
    const channels = last(x!);
    const row = (i: number) => tf.reshape(tf.slice(statistics!, [i, 0], [1, channels]), [channels]);
    const scale = tf.mul(weight!, tf.rsqrt(tf.add(row(1), eps)));
    return tf.leakyRelu(tf.add(tf.mul(tf.sub(x!, row(0)), scale), bias!), slope);
  },
  softmax: (tf, [x], { log }) => (log ? tf.logSoftmax(x!) : tf.softmax(x!)),
  embedding: (tf, [table, ids]) => tf.gather(table!, ids!),
  reshape: (tf, [x], _attrs, { shape }) => tf.reshape(x!, shape),
  permute: (tf, [x], { order }) => tf.transpose(x!, order),
  slice(tf, [x], { axis, start, end }) {
    const begin = x!.shape.map((_, i) => (i === axis ? start : 0));
    return tf.slice(
      x!,
      begin,
      x!.shape.map((n, i) => (i === axis ? end - start : n)),
    );
  },
  concat: (tf, parts, { axis }) => tf.concat(parts, axis),
  resize(tf, [x], { height, width }) {
    const [batch, h, w, channels] = x!.shape as [number, number, number, number];
    // the matrices' first axis is of one and stretches over the batch
    const tall = tf.matMul(interpolation(tf, h, height), tf.reshape(x!, [batch, h, w * channels]));
    const wide = tf.matMul(interpolation(tf, w, width), tf.reshape(tall, [batch * height, w, channels]));
    return tf.reshape(wide, [batch, height, width, channels]);
  },
  reduce: (tf, [x], { kind, axes }) => ({ sum: tf.sum, mean: tf.mean, max: tf.max })[kind](x!, axes, true),
  unary: (tf, [x], { kind, alpha = 0 }) => UNARY[kind](tf, x!, alpha),
  binary: (tf, [a, b], { kind }) => BINARY[kind](tf, a!, b!),
  broadcast: (tf, [x], { shape }) => tf.broadcastTo(x!, shape),
};
