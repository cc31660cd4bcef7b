// The rules of a quantization, without a device: how a parameter is stored, how layers are named and compared, what a folder
// remembers of its source.

import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { int8Parameters, quantizedStream } from '../../formats/weights/int8.js';
import { fill, fillStream } from '../../formats/weights/name-seeded-parameters.js';
import { builder as b } from '../../graph/builder.js';
import { isLeaf, topological } from '../../graph/graph.js';
import { evaluate } from '../../graph/interpreter.js';
import { prepare } from '../../graph/passes/index.js';
import { int8Passes } from '../../graph/passes/int8.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { openMasters } from '../../node/model-folder/masters.js';
import { writeModelFolder } from '../../node/model-folder/model-writer.js';
import { largestSquaredDeviation, wideParameters } from '../../quantize/audit.js';
import { checkBudget } from '../../quantize/gate.js';
import { quantize } from '../../quantize/index.js';
import { joinNames, layersOf, overFloats } from '../../quantize/layers.js';
import { quantizedFrom } from '../../quantize/manifest-origin.js';
import { agreementOf } from '../../quantize/score.js';
import { storeParameter } from '../../quantize/store.js';
import { differenceOf } from '../../quantize/trace.js';
import { loadGolden } from '../golden.js';
import { quantizeReport } from './cli-fakes.js';

const assembly = await loadAssembly();
const tensor = (...values: number[]) => tensorOf('w', [2, values.length / 2], Float32Array.from(values));
const store = (t: SafetensorsTensor, whole: boolean, wide = false) => storeParameter(assembly, t, { whole, wide });

describe('storeParameter', () => {
  test('halves where they hold the tensor, whole numbers where the graph reads it so', () => {
    const t = tensor(0.5, -0.25, 1 / 3, 0.125);
    expect(store(t, false)).toMatchObject({ dtype: 'fp16', bytes: 8, largest: 0.5, kept: null });
    expect(store(t, false).max_abs_error).toBeCloseTo(8.14e-5, 6);
    const int8 = store(t, true);
    expect(int8).toMatchObject({ dtype: 'int8', bytes: 4 + 8, kept: null });
    expect(int8.tensors.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['w', 'I8', [2, 2]],
      ['w.scale', 'F32', [2]],
    ]);
  });

  test('beyond 65,504 it stays F32; whole numbers have scales that reach further', () => {
    const t = tensor(1, 70000, -2, 3);
    expect(store(t, false)).toMatchObject({
      dtype: 'fp32',
      max_abs_error: 0,
      kept: 'its largest magnitude, 70000.0, is beyond 65504',
    });
    expect(store(tensor(70000, 70000, 1, 1), true).dtype).toBe('int8');
  });

  test('numbers so small that halves are coarse stay F32, zeros do not', () => {
    expect(store(tensor(1e-6, 2e-6, -1e-6, 3.3e-7), false)).toMatchObject({
      dtype: 'fp32',
      kept: expect.stringMatching(/^f16 loses [\d.]+ % of it: its numbers are too small/),
    });
    expect(store(tensor(0, 0, 0, 0), false)).toMatchObject({ dtype: 'fp16', relative_error: 0 });
  });

  test('a row that an outlier stretches is not worth whole numbers', () => {
    const stretched = Float32Array.from({ length: 2000 }, (_, i) => (i % 1000 === 0 ? 60 : Math.sin(i)));
    expect(store(tensorOf('w', [2, 1000], stretched), true)).toMatchObject({
      dtype: 'fp16',
      kept: expect.stringMatching(/^int8 loses [\d.]+ % of it, more than 4 %/),
    });
  });

  test('what folds to a weight beyond f16 stays F32', () => {
    expect(store(tensor(1, 2, 3, 4), false, true)).toMatchObject({
      dtype: 'fp32',
      kept: 'a weight folded from it is beyond 65504',
    });
  });
});

describe('layers', () => {
  test('names join where they differ', () => {
    expect(joinNames(['a.b.query.weight', 'a.b.key.weight'])).toBe('a.b.{query,key}');
    expect(joinNames(['a.b.weight', 'a.b.bias'])).toBe('a.b');
    expect(joinNames(['x.1.w.weight', 'y.1.w.weight'])).toBe('{x.1.w,y.1.w}');
  });

  test('a prepared network: every layer named, int8 and its float twin node for node', async () => {
    const { config, batch, length } = await loadGolden('test/fixtures/golden/micro');
    const outputs = Network.of(config).logits(batch, length);
    const int8 = int8Parameters(config);
    const graph = prepare(outputs, { int8: int8Passes(int8), activations: 'f32' });
    const layers = layersOf(graph);
    const twin = layersOf(overFloats(graph, int8));
    expect(twin.map(({ name, op }) => [name, op])).toEqual(layers.map(({ name, op }) => [name, op]));
    const names = layers.map(({ name }) => name);
    expect(names).toContain('image_encoder.encoder.stages.0.layers.0.pwconv1');
    expect(names).toContain('text_encoder.encoder.layer.0.attention.self.{query,key,value}');
    expect(layers.at(-1)!.tensor).toBe(graph.logits);
    expect(names.filter(name => name.includes('.scale'))).toEqual([]);
  });

  test('over floats the graph means the float weights', () => {
    const int8 = new Set(['w']);
    const graph = prepare(
      { y: b.linear(b.input('x', [2, 3]), b.parameter('w', [4, 3]), b.parameter('bias', [4])) },
      { int8: int8Passes(int8), activations: 'f32' },
    );
    const floats = overFloats(graph, int8);
    expect(
      topological([floats.y!]).some(
        t => t.dtype === 'i8' || (isLeaf(t) && t.op === 'parameter' && t.name === 'w.scale'),
      ),
    ).toBe(false);
    const feed = {
      input: () => [1, 2, 3, -1, 0, 1],
      parameter: (name: string) => (name === 'w' ? [0.1, 0.2, 0.3, 1, 0, 0, 0, 1, 0, 0, 0, 1] : [0, 0, 0, 1]),
    };
    expect([...evaluate(floats, feed).y!.data].map(v => Number(v.toFixed(6)))).toEqual([1.4, 1, 2, 4, 0.2, -1, 0, 2]);
  });
});

describe('measures', () => {
  test('difference: error, cosine, range, and what is not finite', () => {
    const found = differenceOf(Float32Array.of(1, -2, 0), Float32Array.of(1, -2.5, 0));
    expect(found).toMatchObject({ max_abs_error: 0.5, range: [-2, 1] });
    expect(found.cosine).toBeCloseTo(6 / Math.sqrt(5 * 7.25), 12);
    expect(differenceOf(Float32Array.of(0), Float32Array.of(0)).cosine).toBe(1);
    const broken = differenceOf(Float32Array.of(1, 2), Float32Array.of(1, Number.NaN));
    expect([broken.cosine, broken.max_abs_error]).toEqual([null, Number.NaN]);
  });

  test('squared deviations are of each row from its own mean', () => {
    expect(largestSquaredDeviation(Float32Array.of(1000, 1004, 1, 7), 2)).toBe(9);
  });

  test('agreement counts pixels, and masks that became empty or ceased to be', () => {
    const scored = (dice: number, ...masks: number[][]) => ({
      ...{ dice, mean_dice: dice, iou: dice },
      masks: masks.map(mask => Uint8Array.from(mask)),
    });
    const before = scored(0.8, [1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]);
    const after = scored(0.75, [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]);
    expect(agreementOf(before, after)).toMatchObject({ n: 3, empty_flips: 1, pixel_agreement: 10 / 12 });
    expect(agreementOf(before, after).dice_drop).toBeCloseTo(0.05, 12);
    expect(agreementOf(after, before).empty_flips).toBe(1);
  });

  test('folded weights beyond f16 name the parameters that they are made of', async () => {
    const { config } = await loadGolden('test/fixtures/golden/micro');
    const graph = prepare(Network.of(config).logits(1, 4), { activations: 'f32' });
    const shapes = Network.of(config).parameters;
    expect((await wideParameters(graph, fillStream(shapes), new Set())).wide.size).toBe(0);
    const [conv, norm] = ['decoder.blocks.0.conv1.weight', 'decoder.blocks.0.bn1.weight'];
    const huge = {
      async *tensors() {
        for await (const t of fillStream(shapes).tensors())
          yield t.name === norm
            ? tensorOf(
                t.name,
                t.shape,
                toFloat32(t).map(v => 1e6 * v),
              )
            : t;
      },
    };
    const { wide, findings } = await wideParameters(graph, huge, new Set());
    expect([...wide]).toEqual([conv]);
    expect((await wideParameters(graph, huge, new Set([conv]))).findings).toEqual([]);
    expect(findings).toMatchObject([{ kind: 'weight', layer: 'decoder.blocks.0.conv1', limit: 65504 }]);
  });
});

const folder = await mkdtemp(join(tmpdir(), 'tmca-masters-'));
afterAll(() => rm(folder, { recursive: true }));

describe('float32 masters', () => {
  const config = parseConfig(JSON.parse(readFileSync('test/fixtures/golden/micro/config.json', 'utf8')), 'micro');
  const shapes = Network.of(config).parameters;
  const source = join(folder, 'source');
  const made = join(folder, 'made');
  const lazily = (tensors: SafetensorsTensor[]) =>
    tensors.map(({ bytes, ...t }) => ({ ...t, load: async () => bytes }));

  async function write() {
    const floats: SafetensorsTensor[] = [];
    for await (const t of fillStream(shapes).tensors()) floats.push(t);
    const files = await writeModelFolder(
      source,
      { config, vocab: null, tensors: lazily(floats) },
      { package: 'test@0' },
    );
    const int8: SafetensorsTensor[] = [];
    for await (const t of quantizedStream(fillStream(shapes), int8Parameters(config)).tensors()) int8.push(t);
    const report = { ...quantizeReport('int8'), from: { sha256: files['model.safetensors']!.sha256, dtype: 'fp32' } };
    await writeModelFolder(
      made,
      {
        config: { ...config, dtype: 'int8', extra: { activations: 'fp32', note: 'kept' } },
        vocab: null,
        tensors: lazily(int8),
      },
      { package: 'test@0', extra: quantizedFrom(report, source, made) },
    );
  }

  const load = async (location: string) => {
    const { folder: opened, note } = await openMasters(location);
    const values = new Map<string, Float32Array>();
    for await (const t of opened.weights.tensors()) values.set(t.name, toFloat32(t));
    return { opened, note, values };
  };

  test('are the source`s own where it is there with the weights that the manifest names', async () => {
    await write();
    const { values, note, opened } = await load(made);
    expect(note).toBe(`${made} was quantized from ${source}: training starts from that`);
    for (const [name, shape] of shapes) expect(values.get(name), name).toEqual(fill(name, shape));
    expect(opened.config.dtype).toBe('fp32');
  });

  test('are found where an earlier version wrote the manifest, which spelled the key `quantised`', async () => {
    const path = join(made, 'manifest.json');
    const manifest = await readFile(path, 'utf8');
    expect(manifest).toContain('"quantized"');
    await writeFile(path, manifest.replace('"quantized"', '"quantised"'));
    expect((await load(made)).note).toBe(`${made} was quantized from ${source}: training starts from that`);
  });

  test('are found from an address of the folder too', async () => {
    const { note } = await openMasters(pathToFileURL(made).href);
    expect(note).toContain(`was quantized from ${source}: training starts from that`);
  });

  test('are the numbers that the file means where it is not, and that is said', async () => {
    await rm(source, { recursive: true });
    const { values, note, opened } = await load(made);
    expect(note).toBe(
      `${made} is int8: training starts from its rounded weights, since the folder that it was quantized from, ${source}, is not there`,
    );
    expect([...values.keys()].sort()).toEqual([...shapes.keys()].sort());
    const name = 'decoder.blocks.0.self_attn.q_proj.weight';
    const exact = fill(name, shapes.get(name)!);
    const worst = Math.max(...exact.map((v, i) => Math.abs(v - values.get(name)![i]!)));
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(Math.max(...exact) / 127);
    expect(opened.config).toMatchObject({ dtype: 'fp32', extra: { note: 'kept' } });
    expect(opened.config.extra.activations).toBeUndefined();
    expect([...opened.weights.header.tensors].filter(([, { dtype }]) => dtype !== 'F32')).toEqual([]);
  });

  test('are not taken from a source that has changed', async () => {
    await cp(made, source, { recursive: true });
    await writeFile(join(source, 'model.safetensors'), 'other weights');
    expect((await load(made)).note).toContain(`since ${source}, which it was quantized from, holds other weights now`);
  });

  test('a folder that was never quantized is opened as it is, without a word', async () => {
    const { note, opened } = await load('test/fixtures/golden/micro');
    expect([note, opened.config.dtype]).toEqual([null, 'fp32']);
  });
});

test.each([
  ['fp16', 'data', '--to fp16'],
  ['int8', undefined, '--to int8 and no data'],
] as const)('whole-number products of %s with data %s are refused before anything is read', async (to, data, got) => {
  const options = { to, out: 'out', package: 'p@0', integerProducts: true, ...(data && { data }) };
  await expect(quantize('no-model', options)).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: `quantize: --integer-products needs --to int8 and --data to score them on, got ${got}; leave it out`,
  });
});

test('a gate on masks without a lesion is refused before the model is read: it would let everything through', async () => {
  const data = await mkdtemp(join(tmpdir(), 'tmca-gate-'));
  const black = { create: { width: 8, height: 8, channels: 3, background: '#000' } } as const;
  for (const name of ['image', 'mask'])
    await sharp(black)
      .png()
      .toFile(join(data, `${name}.png`));
  const record = { id: 'a', image: 'image.png', mask: 'mask.png', split: 'test', text: 'one polyp' };
  await writeFile(join(data, 'dataset.json'), JSON.stringify({ records: [record] }));
  const asked = quantize('no-model', { to: 'int8', out: join(data, 'out'), package: 'p@0', data });
  await expect(asked).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringMatching(/some mask must mark a lesion .*, got none of 1 in .*leave --data out/),
  });
  await rm(data, { recursive: true });
});

describe('the gate', () => {
  const report = (before: number, drop: number, met: boolean) => {
    const made = quantizeReport('int8', 'discs');
    const dice = { ...made.end_to_end.dice!, dice_drop: drop };
    const scored = { ...dice, fp32: { ...dice.fp32, dice: before }, quantized: { ...dice.fp32, dice: before - drop } };
    return { ...made, end_to_end: { ...made.end_to_end, dice: scored }, budget: { max_dice_drop: 0.005, met } };
  };

  test('lets through what lost little, and what was not scored', () => {
    checkBudget(report(0.8, 0.001, true));
    checkBudget(quantizeReport('int8'));
  });

  test('holds back what lost more', () => {
    expect(() => checkBudget(report(0.8, 0.1, false))).toThrow(expect.objectContaining({ code: 'ACCURACY_LOST' }));
  });

  test('does not take "0 to 0" for a success', () => {
    expect(() => checkBudget(report(0, 0, true))).toThrow(
      expect.objectContaining({
        code: 'DATASET_INVALID',
        message: expect.stringMatching(/the source must find some lesion .*, got Dice 0 over 2 images of discs/),
      }),
    );
  });
});
