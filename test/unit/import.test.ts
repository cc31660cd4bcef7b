// Checkpoints that PyTorch wrote under four conventions' names and BERT's: imported exactly, exported exactly, all accounted for.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { exportCheckpoint } from '../../convert/export.js';
import { CONVENTIONS, type Convention, type ConventionId, namesIn, PREFIX } from '../../convert/names.js';
import { checkTensors, openModelFolder } from '../../formats/model-folder/index.js';
import { type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { dequantizeRows, quantizeRows } from '../../formats/weights/int8.js';
import { fill } from '../../formats/weights/name-seeded-parameters.js';
import { defaultConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { initialParameter } from '../../train/parameters/initial-parameters.js';
import {
  changed,
  FIXTURES,
  importSmall,
  NETWORK,
  readTensors,
  scratch,
  type Tensors,
  VOCAB,
  writeTensors,
} from './checkpoint-files.js';
import { call } from './cli-fakes.js';
import { failure } from './raw-safetensors.js';

const folder = scratch();
const conventions = Object.values<Convention>(CONVENTIONS);
const file = (id: string) => `${FIXTURES}/${id}.safetensors`;

const numbers = (tensor: SafetensorsTensor | undefined) => [...toFloat32(tensor!)];

/** Every parameter of an encoder has the values that PyTorch was given: golden.py's `fill` of its name. */
function expectFilled(model: Tensors, encoder: 'image' | 'text'): void {
  const names = [...model.keys()].filter(name => name.startsWith(PREFIX[encoder]));
  expect(names.length).toBeGreaterThan(50);
  for (const name of names) expect(numbers(model.get(name)), name).toEqual([...fill(name, model.get(name)!.shape)]);
}

describe('names', () => {
  const full = JSON.parse(readFileSync(`${FIXTURES}/full-size-names.json`, 'utf8')) as Record<
    string,
    Record<string, number[]>
  >;
  const parameters = Network.of(defaultConfig('tmca')).parameters;

  test.each(conventions)('$id: names and shapes of the full size are those of the PyTorch modules', convention => {
    const names = namesIn(convention, parameters.keys());
    const ours = [...names].map(([name, theirs]): [string, readonly number[]] => [
      theirs,
      convention.shape(name.slice(PREFIX[convention.encoder].length), parameters.get(name)!),
    ]);
    expect(new Set(names.values()).size).toBe(names.size);
    const prefix = convention.id === 'hf' ? 'convnext.' : '';
    const known = Object.entries(full[convention.id]!)
      .map(([name, shape]): [string, number[]] => [name.slice(name.startsWith(prefix) ? prefix.length : 0), shape])
      .filter(([name]) => !convention.leftOver.some(([pattern]) => pattern.test(name)));
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(known));
    expect(ours).toHaveLength(convention.encoder === 'image' ? 180 : 197);
  });
});

describe('import of what PyTorch wrote', () => {
  const image = Object.values(CONVENTIONS).filter(({ encoder }) => encoder === 'image');
  test.each(image.map(({ id }) => id))('%s', async id => {
    const out = join(folder, `as-${id}`);
    const result = await importSmall([file(id), file('bert')], out, { vocab: VOCAB });
    const model = await readTensors(`${out}/model.safetensors`);
    expectFilled(model, 'image');
    expectFilled(model, 'text');
    expect(result.parts).toEqual([
      { part: 'image', file: file(id), convention: id, prefix: id === 'hf' ? 'convnext.' : '', tensors: 81 },
      { part: 'text', file: file('bert'), convention: 'bert', prefix: 'bert.', tensors: 53 },
    ]);
    expect(result.config).toMatchObject({ depths: [2, 1, 3, 1], dims: [2, 4, 6, 8], vocabSize: 31, textLayers: 3 });
    expect(result.config).toMatchObject({ textDim: 12, textHeads: 2, textFfn: 20, maxPositions: 16, imageSize: 32 });
    expect(result.warnings).toEqual([]);
  });

  test('every tensor and every parameter is accounted for', async () => {
    const out = join(folder, 'accounts');
    const result = await importSmall([file('timm'), file('bert')], out);
    const given = [...(await readTensors(file('timm'))).keys(), ...(await readTensors(file('bert'))).keys()];
    const told = [...result.mapped.map(({ from }) => from), ...result.leftOver.map(({ name }) => name)];
    expect(told.sort()).toEqual(given.sort());
    const all = [...Network.of(result.config).parameters.keys()];
    expect([...result.mapped.map(({ name }) => name), ...result.initialised].sort()).toEqual(all.sort());
    const reasons = Object.fromEntries(result.leftOver.map(({ name, reason }) => [name, reason]));
    expect(reasons['head.fc.weight']).toBe('classification head');
    expect(reasons['bert.pooler.dense.bias']).toBe('pooler');
    expect(reasons['bert.embeddings.position_ids']).toBe('buffer of constants');
    expect(reasons['cls.seq_relationship.weight']).toBe('pre-training head');
  });

  test('the folder opens, holds to its manifest, and what no file has is initialised by the seed', async () => {
    const out = join(folder, 'opens');
    const { initialised, config } = await importSmall([file('hf'), `${FIXTURES}/bert-sharded`], out, { seed: 7 });
    const opened = await openModelFolder(out, nodeIo);
    const shapes = Network.of(opened.config).parameters;
    checkTensors(opened.weights.header, shapes, out);
    const seen: string[] = [];
    for await (const tensor of opened.weights.tensors()) {
      seen.push(tensor.name);
      if (initialised.includes(tensor.name))
        expect(numbers(tensor), tensor.name).toEqual([...initialParameter(tensor.name, shapes, 7)]);
    }
    expect(seen).toHaveLength(shapes.size);
    expect(initialised.every(name => /^(decoder|head)\./.test(name))).toBe(true);
    expect(opened.hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(opened.config).toEqual(config);
    expect(opened.manifest?.extra).toMatchObject({
      package: 'tmca-edge@test',
      imported: [{ file: 'hf.safetensors' }, {}],
    });
    expect(opened.vocab).toEqual(new Uint8Array(readFileSync(VOCAB)));
  });

  test('a checkpoint of the reference comes whole', async () => {
    const golden = 'test/fixtures/golden/micro';
    const out = join(folder, 'whole');
    const given = [`${golden}/model.safetensors`];
    const { initialised, leftOver, parts, config } = await importSmall(given, out, { config: undefined });
    expect(config).toMatchObject({ imageSize: 32, heads: 2, textHeads: 2, headChannels: 3 });
    expect(parts.map(({ part, convention }) => `${part} ${convention}`)).toEqual([
      'image hf',
      'text bert',
      'decoder tmca',
    ]);
    expect([initialised, leftOver]).toEqual([[], []]);
    const model = await readTensors(`${out}/model.safetensors`);
    for (const [name, tensor] of await readTensors(`${golden}/model.safetensors`))
      expect(numbers(model.get(name)), name).toEqual(numbers(tensor));
  });
});

describe('export', () => {
  const model = join(folder, 'source');
  beforeAll(async () => {
    await importSmall([file('timm'), file('bert')], model, { vocab: VOCAB });
  });

  test.each(conventions)('$id: the file is PyTorch`s own, and import gives the same model', async ({ id, encoder }) => {
    const out = join(folder, `export-${id}.safetensors`);
    const result = await exportCheckpoint({ model, as: id as ConventionId, out });
    const exported = await readTensors(out);
    const theirs = await readTensors(
      id === 'bert' ? `${FIXTURES}/bert-sharded/model-00001-of-00002.safetensors` : file(id),
    );
    if (id === 'bert')
      for (const [name, tensor] of await readTensors(`${FIXTURES}/bert-sharded/model-00002-of-00002.safetensors`))
        theirs.set(name, tensor);
    let compared = 0;
    for (const [name, tensor] of theirs) {
      const own = exported.get(id === 'hf' ? name.replace('convnext.', '') : name);
      if (!own) continue;
      compared++;
      expect(own.shape, name).toEqual(tensor.shape);
      expect(Buffer.compare(own.bytes, tensor.bytes), name).toBe(0);
    }
    expect([compared, exported.size, result.tensors.length]).toEqual(Array(3).fill(encoder === 'image' ? 81 : 53));
    const again = join(folder, `again-${id}`);
    await importSmall([out, file(encoder === 'image' ? 'bert' : 'timm')], again, { vocab: VOCAB });
    const first = readFileSync(`${model}/model.safetensors`);
    expect(Buffer.compare(first, readFileSync(`${again}/model.safetensors`))).toBe(0);
  });

  test('int8 weights leave as the numbers that they stand for', async () => {
    const name = 'image_encoder.encoder.stages.2.layers.0.pwconv1.weight';
    const tensors = await readTensors(`${model}/model.safetensors`);
    const rows = quantizeRows(toFloat32(tensors.get(name)!), 24);
    const int8 = join(folder, 'int8');
    mkdirSync(int8);
    const config = JSON.parse(readFileSync(`${model}/config.json`, 'utf8'));
    writeFileSync(`${int8}/config.json`, JSON.stringify({ ...config, dtype: 'int8' }));
    const others = [...tensors.values()].filter(tensor => tensor.name !== name);
    const stored = [tensorOf(name, [24, 6], rows.q), tensorOf(`${name}.scale`, [24], rows.scale)];
    writeTensors(`${int8}/model.safetensors`, [...others, ...stored]);
    const out = join(folder, 'from-int8.safetensors');
    const result = await exportCheckpoint({ model: int8, as: 'hf', out });
    const exported = await readTensors(out);
    expect(result.tensors).toHaveLength(81);
    expect(numbers(exported.get('encoder.stages.2.layers.0.pwconv1.weight'))).toEqual([...dequantizeRows(rows)]);
    expect(numbers(exported.get('layernorm.bias'))).toEqual(numbers(tensors.get('image_encoder.layernorm.bias')));
  });

  test('a folder that was tampered with leaves no file', async () => {
    const broken = join(folder, 'tampered');
    await importSmall([file('timm'), file('bert')], broken);
    const bytes = readFileSync(`${broken}/model.safetensors`);
    bytes[bytes.length - 2]! ^= 1;
    writeFileSync(`${broken}/model.safetensors`, bytes);
    const out = join(folder, 'never.safetensors');
    await failure('MANIFEST_MISMATCH', () => exportCheckpoint({ model: broken, as: 'hf', out }));
    expect(readdirSync(folder).filter(name => name.includes('never'))).toEqual([]);
  });
});

describe('variants of the conventions', () => {
  const image = async (name: string, id: string, change: (t: SafetensorsTensor) => SafetensorsTensor) => {
    const path = writeTensors(join(folder, `${name}.safetensors`), changed(await readTensors(file(id)), change));
    const result = await importSmall([path, file('bert')], join(folder, name));
    return { result, model: await readTensors(join(folder, name, 'model.safetensors')) };
  };

  test('any prefix: DistributedDataParallel, a backbone in a larger model', async () => {
    const { result, model } = await image('prefixed', 'hf', t => ({ ...t, name: `module.encoder.${t.name}` }));
    expectFilled(model, 'image');
    expect(result.parts[0]!.prefix).toBe('module.encoder.convnext.');
  });

  test('timm: flattened names of features_only, 1x1 convolutions for linears', async () => {
    const { model } = await image('features', 'timm', t => {
      const shape = /\.fc[12]\.weight$/.test(t.name) ? [...t.shape, 1, 1] : t.shape;
      return { ...t, shape, name: t.name.replace(/^(stem|stages)\./, '$1_') };
    });
    expectFilled(model, 'image');
  });

  test('a backbone without its last norm: that one is initialised', async () => {
    const path = join(folder, 'no-norm.safetensors');
    const all = [...(await readTensors(file('hf'))).values()];
    writeTensors(
      path,
      all.filter(({ name }) => !name.startsWith('convnext.layernorm.')),
    );
    const { initialised } = await importSmall([path, file('bert')], join(folder, 'no-norm'));
    expect(initialised.filter(name => name.startsWith('image_encoder.'))).toEqual([
      'image_encoder.layernorm.weight',
      'image_encoder.layernorm.bias',
    ]);
  });

  test('both encoders in one file', async () => {
    const both = [...(await readTensors(file('hf'))).values(), ...(await readTensors(file('bert'))).values()];
    const path = writeTensors(join(folder, 'both.safetensors'), both);
    const { parts } = await importSmall([path], join(folder, 'both'));
    expect(parts.map(({ prefix }) => prefix)).toEqual(['convnext.', 'bert.']);
    expectFilled(await readTensors(join(folder, 'both', 'model.safetensors')), 'image');
  });

  test('F16 and BF16 are widened exactly', async () => {
    const half = (bits: 'F16' | 'BF16') => (t: SafetensorsTensor) => {
      // 1.5 in either: a pattern that both hold
      const words = new Uint16Array(t.shape.reduce((n, d) => n * d, 1)).fill(bits === 'F16' ? 0x3e00 : 0x3fc0);
      return { ...tensorOf(t.name, t.shape, words), dtype: bits };
    };
    for (const bits of ['F16', 'BF16'] as const) {
      const { model } = await image(`widened-${bits}`, 'torchvision', half(bits));
      const scale = model.get('image_encoder.encoder.stages.2.layers.1.layer_scale_parameter')!;
      expect(scale.dtype).toBe('F32');
      expect(numbers(scale)).toEqual(Array(6).fill(1.5));
    }
  });

  test('an image encoder alone, a vocabulary of another size for the text encoder to come', async () => {
    const out = join(folder, 'alone');
    const config = join(folder, 'alone.json');
    const text = { text_layers: 3, text_dim: 12, text_heads: 2, text_ffn: 20, max_positions: 16 };
    writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(NETWORK, 'utf8')), ...text }));
    const { warnings, config: made } = await importSmall([file('original')], out, { vocab: VOCAB, config });
    expect(warnings).toEqual(['no file has the text encoder: it is initialised, not pretrained']);
    expect(made.vocabSize).toBe(31);
    const rows = (await readTensors(`${out}/model.safetensors`)).get('text_encoder.embeddings.word_embeddings.weight')!;
    expect(rows.shape).toEqual([31, 12]);
  });

  test('heads: from Hugging Face`s config.json, else a guess that is said', async () => {
    const inputs = [file('hf'), `${FIXTURES}/bert-sharded`];
    const beside = await importSmall(inputs, join(folder, 'heads-beside'), { config: undefined });
    expect(beside.config).toMatchObject({ textHeads: 2, heads: 2, imageSize: 224 });
    expect(beside.warnings).toEqual([]);
    const config = `${FIXTURES}/bert-sharded/config.json`;
    const named = await importSmall([file('hf'), file('bert')], join(folder, 'heads-named'), { config, vocab: VOCAB });
    expect([named.config.textHeads, named.warnings]).toEqual([2, []]);
    const guessed = await importSmall([file('hf'), file('bert')], join(folder, 'heads-guessed'), {
      config: undefined,
      vocab: VOCAB,
    });
    expect(guessed.config).toMatchObject({ textHeads: 4, heads: 2 });
    expect(guessed.warnings).toEqual([
      'text_heads is taken as 4: tensors do not tell, and no config.json does; give --config where it is another',
    ]);
  });
});

describe('the output folder', () => {
  const inputs = [file('timm'), file('bert')];

  test('an empty folder is used, a model replaced, anything else kept and refused', async () => {
    const out = join(folder, 'replaced');
    mkdirSync(out);
    await importSmall(inputs, out, { vocab: VOCAB, seed: 1 });
    const before = readFileSync(`${out}/model.safetensors`);
    await importSmall(inputs, out, { vocab: VOCAB, seed: 2 });
    expect(Buffer.compare(before, readFileSync(`${out}/model.safetensors`))).not.toBe(0);
    expect(readdirSync(out).sort()).toEqual(['config.json', 'manifest.json', 'model.safetensors', 'vocab.txt']);
    writeFileSync(`${out}/notes.txt`, 'mine');
    const error = await failure('BAD_ARGUMENT', () => importSmall(inputs, out));
    expect(error.message).toContain(
      `import: the output folder must be new, empty or a model's, got "notes.txt" in ${out}; choose another --out`,
    );
    expect(readFileSync(`${out}/notes.txt`, 'utf8')).toBe('mine');
    await failure('BAD_ARGUMENT', () => importSmall(inputs, `${out}/notes.txt`));
    expect(readdirSync(folder).filter(name => name.startsWith('.'))).toEqual([]);
  });

  test('stopped or failing in the middle, it leaves what was there', async () => {
    const out = join(folder, 'stopped');
    const stop = new AbortController();
    const seen: number[] = [];
    const onTensor = (done: number) => {
      seen.push(done);
      if (done === 40) stop.abort();
    };
    await failure('ABORTED', () => importSmall(inputs, out, { signal: stop.signal, onTensor }));
    expect(seen).toHaveLength(40);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter(name => name.startsWith('.'))).toEqual([]);
  });
});

describe('the command', () => {
  test('import: JSON with every tensor, and a summary to read', async () => {
    const out = join(folder, 'command');
    const argv = ['import', file('torchvision'), file('bert'), '--out', out, '--config', NETWORK, '--vocab', VOCAB];
    const { code, json, stderr } = await call([...argv, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    expect(json).toMatchObject({ out, seed: 0, config: { dims: [2, 4, 6, 8], text_heads: 2 }, vocab: VOCAB });
    const { mapped, initialised, left_over } = json as Record<string, unknown[]>;
    expect([mapped!.length, initialised!.length, left_over!.length]).toEqual([134, 117, 13]);
    const { stdout } = await call(argv);
    expect(stdout.split('\n')).toEqual([
      `image encoder: 81 tensors from ${file('torchvision')} (torchvision ConvNeXt)`,
      `text encoder: 53 tensors from ${file('bert')} (Hugging Face BERT, below "bert.")`,
      'initialised (seed 0): 117 tensors of the decoder and head',
      'left over: classifier.2.weight, classifier.2.bias (classification head)',
      'left over: bert.embeddings.position_ids (buffer of constants)',
      'left over: bert.pooler.dense.weight, bert.pooler.dense.bias (pooler)',
      'left over: cls.predictions.transform.dense.weight and 7 more (pre-training head)',
      'network: ConvNeXt 2-1-3-1 of 2-4-6-8 channels, BERT of 3 layers and 12 channels, 32 x 32 pixels',
      `vocabulary: 31 tokens from ${VOCAB}`,
      `${out}: 0.1 MB`,
      '',
    ]);
  });

  test('export-checkpoint: the other way', async () => {
    const model = join(folder, 'for-command');
    await importSmall([file('timm'), file('bert')], model);
    const out = join(folder, 'command-hf.safetensors');
    const { code, stdout } = await call(['export-checkpoint', model, '--as', 'hf', '--out', out]);
    expect([code, stdout]).toEqual([0, `${out}: 81 tensors of the image encoder, named as Hugging Face ConvNeXt\n`]);
    expect((await readTensors(out)).has('encoder.stages.2.layers.2.pwconv1.weight')).toBe(true);
    const usage = await call(['export-checkpoint', model, '--as', 'keras', '--out', out]);
    expect(usage.code).toBe(2);
  });

  test('a file that is not there, no file, no --out', async () => {
    const missing = await call(['import', 'nowhere.safetensors', '--out', join(folder, 'x')]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toBe(
      'error [FILE_NOT_FOUND]: import: a checkpoint must exist, got no file nowhere.safetensors; check the path\n',
    );
    expect((await call(['import', '--out', 'x'])).code).toBe(2);
    expect((await call(['import', file('hf')])).code).toBe(2);
  });
});
