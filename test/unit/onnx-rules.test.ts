// Every rule of ONNX against the interpreter, in onnxruntime-web's wasm; and what is emitted around the rules.

import * as ort from 'onnxruntime-web';
import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { dimsOf } from '../../formats/onnx/dims.js';
import { type EmittedGraph, emitOnnx } from '../../formats/onnx/emit.js';
import { splitModels } from '../../formats/onnx/model.js';
import { Message } from '../../formats/onnx/wire.js';
import { unit } from '../../formats/weights/name-seeded-parameters.js';
import { builder as b, makeNode } from '../../graph/builder.js';
import { type Outputs, sizeOf, type Tensor, topological } from '../../graph/graph.js';
import { evaluate } from '../../graph/interpreter.js';
import { channelsFirst, channelsLast } from '../../graph/map-layout.js';
import type { CoreOpName } from '../../graph/ops/table.js';
import type { UnaryKind } from '../../graph/ops/unary.js';
import { type Feed, OnnxNetwork } from '../../runtime/engines/wasm/network.js';
import { expectClose, tolerance } from '../tolerance.js';

let inputs = 0;
/** An input of a name that is its own. */
const x = (...shape: number[]) => b.input(`x${inputs++}`, shape);
const ids = (...shape: number[]) => b.input(`i${inputs++}`, shape, 'i32');
const w = (...shape: number[]) => b.constant(unit(`w${shape}`, sizeOf(shape)), shape);

const positive = () => b.add(x(3, 7), b.scalar(1.5));

const unaryCases: { readonly [K in UnaryKind]: () => Tensor } = {
  neg: () => x(3, 7),
  exp: () => x(3, 7),
  log: positive,
  sqrt: positive,
  rsqrt: positive,
  reciprocal: positive,
  square: () => x(3, 7),
  sigmoid: () => x(3, 7),
  softplus: () => x(3, 7),
  gelu: () => x(3, 7),
  leakyRelu: () => x(3, 7),
  step: () => x(3, 7),
};

const convolved = () => b.conv2d(x(2, 6, 6, 3), w(5, 3, 3, 3), w(5), { stride: 1, padding: 1 });

/** Closed: an op without a row does not compile. */
const cases: { readonly [K in CoreOpName | 'depthToSpace']: readonly Tensor[] } = {
  linear: [
    b.linear(x(2, 5, 7), w(3, 7), w(3)),
    b.linear(x(2, 3, 3, 7), w(4, 7)),
    b.linear(x(3, 9), x(3, 9)),
    b.linear(convolved(), w(2, 5), w(2)),
  ],
  conv2d: [
    b.conv2d(x(2, 9, 7, 3), w(5, 3, 3, 3), w(5), { stride: 1, padding: 1 }),
    b.conv2d(x(1, 8, 12, 3), w(8, 4, 4, 3), w(8), { stride: 4, padding: 0 }),
    // Windows side by side, from a map that is channels-last; and a side that they do not fill.
    b.conv2d(b.layerNorm(x(2, 6, 6, 8), null, null, { eps: 1e-6 }), w(12, 2, 2, 8), null, { stride: 2, padding: 0 }),
    b.conv2d(x(1, 7, 7, 4), w(3, 2, 2, 4), w(3), { stride: 2, padding: 0 }),
    b.conv2d(convolved(), w(4, 3, 3, 5), null, { stride: 2, padding: 1 }),
  ],
  depthwise: [b.depthwise(x(2, 9, 7, 5), w(7, 7, 5), w(5)), b.depthwise(convolved(), w(3, 3, 5), null)],
  attention: [
    b.attention(x(2, 5, 12), x(2, 7, 12), x(2, 7, 12), ids(2, 7), { heads: 4 }),
    b.attention(x(1, 33, 26), x(1, 9, 26), x(1, 9, 26), null, { heads: 2 }),
    // Nothing to attend to gives zeros.
    b.attention(x(1, 3, 4), x(1, 2, 4), x(1, 2, 4), b.input('masked', [1, 2], 'i32'), { heads: 2 }),
  ],
  layerNorm: [
    b.layerNorm(x(3, 7), w(7), w(7), { eps: 1e-6 }),
    b.layerNorm(x(2, 5, 48), null, null, { eps: 1e-5 }),
    b.layerNorm(convolved(), w(5), w(5), { eps: 1e-12 }),
  ],
  unary: Object.entries(unaryCases).map(([kind, of]) =>
    makeNode('unary', [of()], { kind: kind as UnaryKind, alpha: 0.01 }),
  ),
  binary: [
    b.add(x(3, 7), x(3, 7)),
    b.mul(convolved(), x(2, 6, 6, 1)),
    b.add(convolved(), b.layerNorm(x(2, 6, 6, 5), null, null, { eps: 1e-6 })),
    b.mul(convolved(), w(5)),
    b.sub(x(4, 1), x(1, 5)),
    b.div(x(2, 3), b.constant([3, 2, 4], [3])),
    b.max(x(2, 8), x(8)),
    makeNode('binary', [x(2, 8), x(2, 8)], { kind: 'min' }),
  ],
  reduce: [
    b.sum(x(3, 70, 5), [1]),
    b.mean(convolved(), [1, 2]),
    b.mean(b.layerNorm(x(2, 4, 3, 6), null, null, { eps: 1e-6 }), [1, 2]),
    b.sum(convolved(), [3]),
    makeNode('reduce', [x(5, 33)], { kind: 'max', axes: [1] }),
  ],
  softmax: [b.softmax(x(3, 7)), b.logSoftmax(x(2, 300))],
  embedding: [b.embedding(w(11, 6), ids(2, 5)), b.embedding(w(2, 1), ids(3))],
  reshape: [b.reshape(convolved(), [2, 36, 5]), b.reshape(x(2, 6), [2, 1, 2, 3])],
  permute: [b.permute(x(2, 3, 4), [2, 0, 1]), b.permute(convolved(), [0, 2, 1, 3])],
  broadcast: [b.broadcast(x(1, 3), { shape: [4, 2, 3] })],
  slice: [b.slice(x(2, 5, 9), { axis: 2, start: 3, end: 8 }), b.slice(convolved(), { axis: 3, start: 1, end: 3 })],
  concat: [
    b.concat([convolved(), x(2, 6, 6, 2)], { axis: 3 }),
    b.concat([b.layerNorm(x(2, 6, 6, 4), null, null, { eps: 1e-6 }), convolved()], { axis: 3 }),
    b.concat([x(2, 3), x(4, 3)], { axis: 0 }),
  ],
  maxPool: [
    b.maxPool(x(2, 6, 4, 3), { size: 2, stride: 2, padding: 0 }),
    b.maxPool(convolved(), { size: 3, stride: 2, padding: 1 }),
  ],
  resize: [
    b.resize(x(2, 3, 5, 4), { height: 6, width: 10 }),
    b.resize(x(1, 4, 4, 1), { height: 7, width: 9 }),
    b.resize(convolved(), { height: 3, width: 4 }),
  ],
  depthToSpace: [
    b.depthToSpace(x(2, 3, 5, 12), { block: 2, order: 'CRD' }),
    b.depthToSpace(b.linear(x(2, 3, 2, 4), w(12, 4)), { block: 2, order: 'DCR' }),
  ],
};

const emit = (outputs: Outputs): EmittedGraph => emitOnnx({ base: outputs, otherBatch: outputs, otherLength: outputs });

/** Whole numbers for ids, 0 for the text without words, anything for others; in the graph's layout. */
function feedOf({ name, shape, dtype }: Tensor & { readonly op: 'input' }): Feed {
  const count = sizeOf(shape);
  if (name === 'masked') return { shape, data: new Int32Array(count) };
  return dtype === 'i32'
    ? { shape, data: Int32Array.from({ length: count }, (_, i) => Number(i % 3 !== 1)) }
    : { shape, data: Float32Array.from(unit(name, count)) };
}

async function expectSame(outputs: Outputs): Promise<void> {
  const leaves = topological(Object.values(outputs)).filter(t => t.op === 'input');
  const feeds = Object.fromEntries(leaves.map(t => [t.name, feedOf(t)]));
  const facts = { name: '', description: '', producerVersion: '', metadata: {} };
  const nothing = { async *tensors() {} };
  const [model] = await splitModels([emit(outputs)], facts, await loadAssembly(), nothing);
  const network = await OnnxNetwork.create(ort, model!);
  const given = Object.entries(feeds).map(([name, feed]) => [
    name,
    feed.data instanceof Float32Array ? channelsFirst(feed) : feed,
  ]);
  const results = await network.run(Object.fromEntries(given));
  network.dispose();
  const expected = evaluate(outputs, { input: name => feeds[name]!.data });
  for (const [name, { shape, data }] of Object.entries(expected)) {
    const got = channelsLast(results[name]!);
    expect(got.shape, name).toEqual(shape);
    expectClose(got.data, data, tolerance.f32);
  }
}

test.each(Object.keys(cases) as (keyof typeof cases)[])('%s', op =>
  expectSame(Object.fromEntries(cases[op].map((t, i) => [`${op}.${i}`, t]))),
);

describe('layouts', () => {
  const count = (outputs: Outputs, op: string) => emit(outputs).nodes.filter(node => node.op === op).length;

  test('nothing is transposed between convolutions, whatever elementwise ops stand there', () => {
    const gate = b.resize(x(2, 3, 3, 1), { height: 6, width: 6 });
    const y = b.mul(b.leakyRelu(convolved(), 0.01), gate);
    const z = b.conv2d(b.concat([y, y], { axis: 3 }), w(4, 3, 3, 10), null, { stride: 1, padding: 1 });
    expect(count({ z }, 'Transpose')).toBe(0);
  });

  test('a map that several ops want the other way is transposed once', () => {
    const map = convolved();
    const y = b.linear(map, w(4, 5));
    const z = b.add(map, b.linear(map, w(5, 5)));
    expect(count({ y: b.reshape(y, [2, 36, 4]), z: b.reshape(z, [2, 36, 5]) }, 'Transpose')).toBe(1);
  });

  test('equal nodes are one, and an output has its own name', () => {
    const a = x(2, 3);
    const { nodes } = emit({ one: b.exp(a), two: b.exp(a) });
    expect(nodes.map(({ op, output }) => `${op} ${output}`)).toEqual(['Exp one', 'Identity two']);
  });
});

test('a side that depends on both numbers, or is a multiple of one, is refused', () => {
  const graph = (batch: number, length: number) => {
    const given = b.input('ids', [batch, length, 2]);
    return { y: b.exp(b.reshape(given, [batch * length, 2])) };
  };
  const probes = { base: graph(2, 5), otherBatch: graph(3, 5), otherLength: graph(2, 4) };
  expect(() => dimsOf(probes)).toThrow(
    'dimsOf: a side must be the batch or the length itself, got 10 of reshape [10,2]',
  );
});

describe('Protocol Buffers', () => {
  const bytes = (message: Message) =>
    message
      .close()
      .pieces.map(piece => Buffer.from(piece as Uint8Array).toString('hex'))
      .join('');

  // The examples of https://protobuf.dev/programming-guides/encoding, and what its rules say of the others.
  test.each([
    ['an integer', new Message().int(1, 150), '089601'],
    ['a negative one', new Message().int(1, -2), '08feffffffffffffffff01'],
    ['a large one', new Message().int(16, 2 ** 40), '80018080808080' + '20'],
    ['text', new Message().text(2, 'testing'), '120774657374696e67'],
    ['a message', new Message().message(3, new Message().int(1, 150)), '1a03089601'],
    ['packed integers', new Message().ints(6, [3, 270, 86942]), '3206038e029ea705'],
    ['a float', new Message().float(2, 1.5), '150000c03f'],
    ['nothing', new Message(), ''],
  ])('%s', (_, message, hex) => {
    expect(bytes(message)).toBe(hex);
    expect(message.bytes).toBe(hex.length / 2);
  });

  test('a hole is counted, and stands between what was written before and after it', () => {
    const inner = new Message().int(1, 1).data(9, { key: 'w', bytes: 300 }).int(2, 2);
    const { pieces, bytes: length } = new Message().message(5, inner).close();
    expect(pieces.map(piece => (piece instanceof Uint8Array ? Buffer.from(piece).toString('hex') : piece))).toEqual([
      `2ab302${'0801'}4aac02`,
      { key: 'w', bytes: 300 },
      '1002',
    ]);
    expect(length).toBe(3 + 2 + 3 + 300 + 2);
  });
});
