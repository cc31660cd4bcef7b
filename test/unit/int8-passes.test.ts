// int8 parameters through the passes: which are chosen, that the prepared graph means what the file says, and that the whole
// numbers reach the kernels as the file has them.

import { describe, expect, test } from 'vitest';
import {
  type SafetensorsHeader,
  type SafetensorsTensor,
  tensorOf,
  toFloat32,
} from '../../formats/safetensors/index.js';
import {
  checkedScales,
  dequantizeRows,
  type Int8Tensor,
  int8Tensors,
  quantizedStream,
  quantizeRows,
  realStream,
} from '../../formats/weights/int8.js';
import { builder as b } from '../../graph/builder.js';
import { findLoadTime, isLeaf, isOp, type Outputs, parametersOf, type Tensor, topological } from '../../graph/graph.js';
import { evaluate, type Feed } from '../../graph/interpreter.js';
import { lower } from '../../graph/lower.js';
import { dequantize } from '../../graph/passes/dequantize.js';
import { prepare } from '../../graph/passes/index.js';
import { chooseInt8, int8Passes } from '../../graph/passes/int8.js';
import { int8Weights } from '../../graph/passes/int8-weights.js';
import { scaleName } from '../../graph/scale-name.js';
import { Network } from '../../networks/network.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { storedWeights } from '../../runtime/engines/stored-weights.js';
import { type Golden, goldenFolders, loadGolden } from '../golden.js';

const graphOf = ({ config, batch, length }: Golden) => Network.of(config).forward(batch, length).named;

/** Readers of weights: fused ops and tables whose weight is whole numbers. */
const int8Readers = (outputs: Outputs) =>
  topological(Object.values(outputs)).filter(
    t => isOp(t) && t.inputs.some(input => input?.dtype === 'i8' && !isLoad(t)),
  );
const isLoad = (t: Tensor): boolean => findLoadTime({ t }).has(t);

/** The checkpoint with `names` quantized: for a graph that knows it, and as the real numbers that it means. */
function quantized({ feed }: Golden, names: ReadonlySet<string>, shapes: ReadonlyMap<string, readonly number[]>) {
  const stored = new Map<string, Int8Tensor>();
  for (const name of names)
    stored.set(name, quantizeRows(Float32Array.from(feed.parameter!(name)), shapes.get(name)![0]!));
  const scales = new Map([...stored].map(([name, { scale }]) => [scaleName(name), scale]));
  const asStored: Feed = {
    ...feed,
    parameter: name => stored.get(name)?.q ?? scales.get(name) ?? feed.parameter!(name),
  };
  const real: Feed = {
    ...feed,
    parameter: name => (stored.has(name) ? dequantizeRows(stored.get(name)!) : feed.parameter!(name)),
  };
  return { asStored, real };
}

const furthest = (a: ArrayLike<number>, c: ArrayLike<number>): number =>
  Array.from(a).reduce((worst, v, i) => Math.max(worst, Math.abs(v - c[i]!)), 0);

test('the choice follows from who reads a parameter', async () => {
  const golden = await loadGolden('test/fixtures/golden/micro');
  const outputs = graphOf(golden);
  const chosen = chooseInt8(outputs);
  const matrices = [...parametersOf(outputs)].filter(([, shape]) => shape.length >= 2).map(([name]) => name);
  const group = (name: string) => name.replace(/\.\d+/g, '').replace(/(query|key|value|[qkv]_proj|out_proj)/, '*');
  const groups = (keep: boolean) => [...new Set(matrices.filter(name => chosen.has(name) === keep).map(group))].sort();
  expect(groups(true)).toMatchInlineSnapshot(`
    [
      "decoder.blocks.conv1.weight",
      "decoder.blocks.conv2.weight",
      "decoder.blocks.cross_attn.*.weight",
      "decoder.blocks.self_attn.*.weight",
      "decoder.text_proj.G.weight",
      "decoder.text_proj.weight",
      "image_encoder.embeddings.patch_embeddings.weight",
      "image_encoder.encoder.stages.downsampling_layer.weight",
      "image_encoder.encoder.stages.layers.pwconv1.weight",
      "image_encoder.encoder.stages.layers.pwconv2.weight",
      "text_encoder.embeddings.word_embeddings.weight",
      "text_encoder.encoder.layer.attention.output.dense.weight",
      "text_encoder.encoder.layer.attention.self.*.weight",
      "text_encoder.encoder.layer.intermediate.dense.weight",
      "text_encoder.encoder.layer.output.dense.weight",
    ]
  `);
  expect(groups(false)).toMatchInlineSnapshot(`
    [
      "decoder.blocks.upsample.weight",
      "head.out.weight",
      "head.subpixel.weight",
      "image_encoder.encoder.stages.layers.dwconv.weight",
      "text_encoder.embeddings.position_embeddings.weight",
      "text_encoder.embeddings.token_type_embeddings.weight",
    ]
  `);
});

// The larger states would only take longer; odd sizes are worth it.
const folders = goldenFolders().filter(name => /micro|odd/.test(name));

describe.each(folders)('%s', folder => {
  test('prepared equals what the file means, with every output and with the logits alone', async () => {
    const golden = await loadGolden(folder);
    const all = graphOf(golden);
    const int8 = chooseInt8(all);
    const { asStored, real } = quantized(golden, int8, parametersOf(all));
    for (const outputs of [all, { logits: all.logits! }]) {
      const meant = evaluate(outputs, real);
      const prepared = evaluate(prepare(outputs, { int8: int8Passes(int8), activations: 'f32' }), asStored);
      // The real numbers were rounded to f32 on their way.
      for (const [name, { data }] of Object.entries(meant))
        expect(furthest(data, prepared[name]!.data), name).toBeLessThan(1e-5);
    }
  });

  test('every chosen parameter reaches the kernels as whole numbers, moved but not changed, in no more dispatches', async () => {
    const golden = await loadGolden(folder);
    const { logits } = graphOf(golden) as { logits: Tensor };
    const int8 = chooseInt8(graphOf(golden));
    const graph = prepare({ logits }, { int8: int8Passes(int8), activations: 'f16' });
    const found = new Set<string>();
    for (const reader of int8Readers(graph)) {
      expect(['fusedLinear', 'fusedConv2d', 'scaledEmbedding']).toContain(reader.op);
      const weight = isOp(reader) ? reader.inputs.find(t => t?.dtype === 'i8')! : reader;
      for (const t of topological([weight])) {
        expect(t.dtype).toBe('i8');
        if (isOp(t)) expect(['permute', 'reshape', 'slice', 'concat']).toContain(t.op);
        if (isLeaf(t) && t.op === 'parameter') found.add(t.name);
      }
    }
    const reached = [...parametersOf({ logits }).keys()].filter(name => int8.has(name));
    expect([...found].sort()).toEqual(reached.sort());
    const calls = (outputs: Outputs) => lower(outputs, { weights: 'f16' }).calls.length;
    expect(calls(graph)).toBe(calls(prepare({ logits }, { activations: 'f16' })));
  });
});

describe('what can be taken apart', () => {
  const weight = (...shape: number[]) => dequantize({ w: b.parameter('w', shape) }, new Set(['w'])).w!;
  const x = (...shape: number[]) => b.input('x', shape);
  const opsOf = (y: Tensor) => topological([int8Weights({ y }).y!]).flatMap(t => (isOp(t) ? [t.op] : []));

  test('a factor of the input channels keeps the weight a product on the host', () => {
    const gamma = b.parameter('gamma', [4]);
    expect(opsOf(b.linear(x(2, 4), b.mul(weight(3, 4), gamma)))).toContain('linear');
    expect(opsOf(b.linear(x(2, 4), b.mul(weight(3, 4), b.parameter('s', [3, 1]))))).toContain('fusedLinear');
  });

  test('so does a move of the output channels', () => {
    expect(opsOf(b.linear(x(2, 3), b.permute(weight(3, 4), [1, 0])))).toContain('linear');
    expect(opsOf(b.linear(x(2, 6), b.reshape(weight(3, 4), [2, 6])))).toContain('linear');
    expect(opsOf(b.linear(x(2, 4), b.reshape(weight(3, 2, 2), [3, 4])))).toContain('fusedLinear');
  });

  test('rows of a table, and projections side by side where all are whole numbers', () => {
    const ids = b.input('ids', [2], 'i32');
    expect(opsOf(b.embedding(b.slice(weight(5, 4), { axis: 0, start: 1, end: 4 }), ids))).toContain('scaledEmbedding');
    const mixed = b.concat([weight(3, 4), b.parameter('float', [2, 4])], { axis: 0 });
    expect(opsOf(b.linear(x(2, 4), mixed))).toContain('linear');
  });
});

describe('quantizeRows', () => {
  test('no error beyond half a scale, rows on their own, both ends used', () => {
    const values = Float32Array.of(0.5, -1, 0.25, 2e-6, 1.01e-6, -3e-7, 0, 0, 0);
    const { q, scale } = quantizeRows(values, 3);
    expect([...q]).toEqual([64, -127, 32, 127, 64, -19, 0, 0, 0]);
    expect(scale[2]).toBe(1);
    const real = dequantizeRows({ q, scale });
    for (const [i, v] of real.entries())
      expect(Math.abs(v - values[i]!)).toBeLessThanOrEqual(0.5001 * scale[Math.floor(i / 3)]!);
  });
  test('a row of subnormals whose scale would vanish is a row of zeros', () => {
    for (const tiny of [1e-45, 1.9e-43, 1e-38]) {
      const { q, scale } = quantizeRows(Float32Array.of(tiny, -tiny), 1);
      expect([[...q].map(Math.abs), [...scale]]).toEqual([[0, 0], [1]]);
    }
    const { q } = quantizeRows(Float32Array.of(1.6e-36, -1.6e-36), 1);
    expect([...q]).toEqual([127, -127]);
  });
});

describe('streams of a file', () => {
  const [w, scale] = int8Tensors('w', [2, 2], quantizeRows(Float32Array.of(1, -2, 0.5, 4), 2));
  const other = tensorOf('b', [2], Float32Array.of(7, 8));
  const stream = (...tensors: SafetensorsTensor[]) => ({
    async *tensors() {
      yield* tensors;
    },
  });
  const collect = async (from: { tensors(): AsyncIterable<SafetensorsTensor> }) => {
    const found: SafetensorsTensor[] = [];
    for await (const tensor of from.tensors()) found.push(tensor);
    return found;
  };
  const whole = new Set(['w']);

  test.each([
    ['weights first', [w, other, scale]],
    ['scales first', [scale, other, w]],
  ])('real numbers, %s', async (_, tensors) => {
    const found = await collect(realStream(stream(...tensors), whole));
    expect(found.map(({ name, dtype }) => [name, dtype])).toEqual([
      ['b', 'F32'],
      ['w', 'F32'],
    ]);
    const real = toFloat32(found[1]!);
    for (const [i, v] of [1, -2, 0.5, 4].entries()) expect(Math.abs(real[i]! - v)).toBeLessThan(0.02);
  });

  test('one without the other is refused', async () => {
    await expect(collect(realStream(stream(w, other), whole))).rejects.toMatchObject({
      code: 'MODEL_INCOMPLETE',
      message:
        'realStream: int8 weights and their scales must come together, got ["w"] alone; use a complete checkpoint',
    });
  });

  test.each([0, -1, Number.NaN, Infinity])('a scale of %d is refused, whoever reads it', async bad => {
    const broken = tensorOf('w.scale', [2], Float32Array.of(1, bad));
    for (const read of [realStream, checkedScales])
      await expect(collect(read(stream(w, broken), whole))).rejects.toMatchObject({ code: 'MODEL_NOT_FINITE' });
  });

  test('a finite scale whose product with the whole numbers is beyond f32 is refused', async () => {
    const beyond = tensorOf('w.scale', [2], Float32Array.of(1, 3e38));
    await expect(collect(realStream(stream(w, beyond), whole))).rejects.toMatchObject({
      code: 'MODEL_NOT_FINITE',
      message: expect.stringMatching(/^realStream: tensor "w": weights must be finite, got -?Infinity; /),
    });
  });

  test('quantized as it passes: the same as the file', async () => {
    const floats = tensorOf('w', [2, 2], Float32Array.of(1, -2, 0.5, 4));
    expect(await collect(quantizedStream(stream(floats, other), whole))).toEqual([w, scale, other]);
  });

  test('whole numbers are no weights to those that know nothing of scales', () => {
    expect(() => toFloat32(w)).toThrow('toFloat32: tensor "w" must be F32, F16 or BF16, got I8; convert it first');
  });
});

describe('what runs of a folder', async () => {
  const { config } = await loadGolden('test/fixtures/golden/micro');
  const name = 'decoder.blocks.0.self_attn.q_proj.weight';
  const header = (dtype: 'F32' | 'F16' | 'I8') =>
    ({ tensors: new Map([[name, { dtype, shape: [8, 8], begin: 0, end: 0 }]]) }) as unknown as SafetensorsHeader;
  const run = async (
    stored: 'fp32' | 'fp16' | 'int8',
    asked: 'auto' | 'fp16' | 'int8',
    dtype: 'F32' | 'F16' | 'I8',
  ) => {
    const precision = choosePrecision(asked, stored, true);
    const held = await storedWeights({ ...config, dtype: stored }, header(dtype), precision, { async *tensors() {} });
    const graph = held.precision.int8?.before({ y: b.parameter(name, [8, 8]) });
    return { int8: graph?.y?.op === 'binary', wide: held.precision.wide?.has(name) ?? false };
  };

  test.each([
    ['an int8 file as it is', 'int8', 'auto', 'I8', { int8: true, wide: false }],
    ['what an int8 folder keeps as halves stays halves', 'int8', 'auto', 'F16', { int8: false, wide: false }],
    ['what it keeps in F32 is f32 on the device', 'int8', 'auto', 'F32', { int8: false, wide: true }],
    ['an int8 file in fp16', 'int8', 'fp16', 'I8', { int8: false, wide: false }],
    ['a float file as int8', 'fp32', 'int8', 'F32', { int8: true, wide: false }],
    ['a float file in fp16', 'fp32', 'fp16', 'F32', { int8: false, wide: false }],
    ['what an fp16 folder keeps in F32', 'fp16', 'auto', 'F32', { int8: false, wide: true }],
    ['and is asked for in int8: it stays f32', 'fp16', 'int8', 'F32', { int8: false, wide: true }],
  ] as const)('%s', async (_, stored, asked, dtype, expected) => {
    expect(await run(stored, asked, dtype)).toEqual(expected);
  });
});
