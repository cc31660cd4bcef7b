// Files that are no checkpoint, cut, sharded wrongly, or do not go together: refused by name, with nothing written.

import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  expectRefused,
  FIXTURES,
  float,
  importSmall,
  type MalformedCase,
  one,
  readTensors,
  scratch,
  type Tensors,
  VOCAB,
} from './checkpoint-files.js';
import { entry, failure, rawFile } from './raw-safetensors.js';

const folder = scratch();
const out = join(folder, 'out');
const base: Record<string, Tensors> = {};
beforeAll(async () => {
  for (const id of ['hf', 'timm', 'bert']) base[id] = await readTensors(`${FIXTURES}/${id}.safetensors`);
});

const bytes = (text: string) => new TextEncoder().encode(text);
const raw = (file: string | Uint8Array) => one(() => file);
const index = (value: unknown) => () => ({
  'model.safetensors.index.json': typeof value === 'string' ? value : JSON.stringify(value),
});

const formats: [string, Uint8Array | string, string][] = [
  [
    'a PyTorch zip',
    readFileSync(`${FIXTURES}/zip.bin`),
    'got a PyTorch checkpoint (zip); convert it where PyTorch is: python3 -c "import torch, safetensors.torch',
  ],
  [
    'a PyTorch pickle',
    readFileSync(`${FIXTURES}/pickle.pt`),
    'got a PyTorch checkpoint (pickle); convert it where PyTorch is: python3 -c',
  ],
  [
    'another zip',
    Uint8Array.of(0x50, 0x4b, 3, 4, ...bytes('xxxxxxxxxxxxxxxxxxxxxxxxxxa.npy')),
    'got a zip archive; load it where it comes from',
  ],
  ['GGUF', 'GGUF\x03\0\0\0\0\0\0\0\0', 'got GGUF;'],
  ['HDF5', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0), 'got HDF5 (Keras);'],
  ['NumPy', Uint8Array.of(0x93, ...bytes('NUMPY\x01\0v\0{}')), 'got a NumPy array;'],
  ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0), 'got gzip; unpack it first'],
  [
    'a Git LFS pointer',
    'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
    'got a Git LFS pointer, not the file that it points to; fetch the file itself (git lfs pull)',
  ],
  ['a web page', '<!DOCTYPE html><html><title>Sign in</title>', 'got a web page; fetch the file itself'],
  ['ONNX', Uint8Array.of(8, 8, 0x12, 7, ...bytes('pytorch'), 0x1a, 3), 'got ONNX; load it where it comes from'],
  ['MessagePack', Uint8Array.of(0x81, 0xa6, ...bytes('params'), 0x82, 0xaa), 'got MessagePack (Flax); load it'],
  ['TensorFlow Lite', Uint8Array.of(0x1c, 0, 0, 0, ...bytes('TFL3'), 0, 0, 0), 'got TensorFlow Lite; load it'],
  ['JSON', '{"a": 1, "b": [2]}', 'got JSON; an index of shards must be named …index.json'],
];

const cases: [string, MalformedCase][] = [
  ...formats.map(([name, file, says]): [string, MalformedCase] => [
    name,
    { code: 'UNSUPPORTED', says: `must be a safetensors file, ${says}`, files: raw(file) },
  ]),
  // the file
  [
    'an empty file',
    { code: 'SAFETENSORS_INVALID', says: 'a file must have at least 8 bytes, got 0', files: raw(new Uint8Array(0)) },
  ],
  [
    'zeros',
    { code: 'SAFETENSORS_INVALID', says: 'the header must be a JSON object, got ""', files: raw(new Uint8Array(64)) },
  ],
  [
    'a cut file',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'data_offsets must lie within the file',
      files: () => ({ 'm.safetensors': readFileSync(`${FIXTURES}/hf.safetensors`).subarray(0, 20_000) }),
    },
  ],
  [
    'a name twice',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'no name may occur twice, got "w"',
      files: raw(rawFile(`{${entry('w', 'F32', '[1]', '[0,4]')},${entry('w', 'F32', '[1]', '[4,8]')}}`, 8)),
    },
  ],
  [
    'an unknown dtype',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'dtype must be one of',
      files: raw(rawFile(`{${entry('w', 'Q4', '[1]', '[0,4]')}}`, 4)),
    },
  ],
  [
    'no tensors',
    { code: 'MODEL_INCOMPLETE', says: 'm.safetensors must hold tensors, got none', files: raw(rawFile('{}')) },
  ],
  // shards
  [
    'an index that is no JSON',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'an index must be JSON with each key once, got syntax:',
      files: index('{"weight_map"'),
    },
  ],
  [
    'an index with a key twice',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'got duplicate: "a"',
      files: index('{"weight_map":{"a":"m.safetensors","a":"n.safetensors"}}'),
    },
  ],
  [
    'an index without a map',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'an index must be an object with "weight_map", got {"metadata":{}}',
      files: index({ metadata: {} }),
    },
  ],
  [
    'an index of nothing',
    { code: 'SAFETENSORS_INVALID', says: 'weight_map must name tensors, got none', files: index({ weight_map: {} }) },
  ],
  [
    'a shard elsewhere',
    {
      code: 'SAFETENSORS_INVALID',
      says: 'must map tensors to .safetensors files beside it, got "../m.safetensors" for "a"',
      files: index({ weight_map: { a: '../m.safetensors' } }),
    },
  ],
  [
    'a shard of PyTorch',
    {
      code: 'UNSUPPORTED',
      says: 'must map tensors to .safetensors files, got PyTorch\'s, such as "pytorch_model-00001.bin"; convert it',
      files: index({ weight_map: { a: 'pytorch_model-00001.bin' } }),
    },
  ],
  [
    'a shard that is not there',
    {
      code: 'FILE_NOT_FOUND',
      says: 'a checkpoint must exist, got no file',
      files: index({ weight_map: { a: 'm.safetensors' } }),
    },
  ],
  [
    'a tensor not in its shard',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'every tensor of the index must be in its shard, got none for "b" of m.safetensors',
      files: () => ({
        ...index({ weight_map: { a: 'm.safetensors', b: 'm.safetensors' } })(),
        'm.safetensors': [float('a', [1])],
      }),
    },
  ],
  [
    'a tensor that the index does not know',
    {
      code: 'MODEL_MISMATCH',
      says: 'must say where each tensor is, got "b" in "m.safetensors" and not in the index',
      files: () => ({
        ...index({ weight_map: { a: 'm.safetensors' } })(),
        'm.safetensors': [float('a', [1]), float('b', [1])],
      }),
    },
  ],
  // what goes with it
  [
    'a vocabulary of another size',
    {
      code: 'MODEL_MISMATCH',
      says: 'v.txt must have 31 tokens, one for each row of word_embeddings, got 5',
      files: () => ({ 'm.safetensors': base.bert!.values(), 'v.txt': '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n' }),
      vocab: 'v.txt',
    },
  ],
  [
    'a vocabulary without [CLS]',
    {
      code: 'VOCABULARY_INVALID',
      says: 'got none named [CLS]',
      files: () => ({ 'm.safetensors': base.bert!.values(), 'v.txt': '[PAD]\n[UNK]\n[SEP]\na\n' }),
      vocab: 'v.txt',
    },
  ],
  [
    'no such vocabulary',
    {
      code: 'FILE_NOT_FOUND',
      says: '--vocab must be a readable file, got none at',
      files: one(() => base.bert!.values()),
      vocab: 'v.txt',
    },
  ],
  [
    'no such configuration',
    {
      code: 'FILE_NOT_FOUND',
      says: '--config must exist, got no file',
      files: one(() => base.timm!.values()),
      config: 'c.json',
    },
  ],
  [
    'a configuration that is no JSON',
    {
      code: 'CONFIG_INVALID',
      says: 'must be one JSON object, got no JSON (',
      files: () => ({ 'm.safetensors': base.timm!.values(), 'c.json': '{' }),
      config: 'c.json',
    },
  ],
  [
    'a configuration of other sizes',
    {
      code: 'CONFIG_INVALID',
      says: 'dims must be [2,4,6,8] as the tensors say, got [96,192,384,768]; leave out what the tensors decide',
      files: () => ({ 'm.safetensors': base.timm!.values(), 'c.json': '{"dims": [96, 192, 384, 768]}' }),
      config: 'c.json',
    },
  ],
  [
    'a configuration beside it, of another checkpoint',
    {
      code: 'CONFIG_INVALID',
      says: 'hidden_size must be 12 (as the tensors say), got 768; num_hidden_layers must be 3 (as the tensors say), got 12',
      files: () => ({
        'm.safetensors': base.bert!.values(),
        'config.json': '{"model_type":"bert","num_attention_heads":12,"hidden_size":768,"num_hidden_layers":12}',
      }),
    },
  ],
  [
    'another activation',
    {
      code: 'CONFIG_INVALID',
      says: 'hidden_act must be "gelu" (as the network is built), got "relu"',
      files: () => ({
        'm.safetensors': base.hf!.values(),
        'config.json': '{"model_type":"convnext","hidden_sizes":[2,4,6,8],"hidden_act":"relu"}',
      }),
    },
  ],
  [
    'heads that do not divide',
    {
      code: 'CONFIG_INVALID',
      says: 'text_heads must divide text_dim, got 5 and 12',
      files: () => ({ 'm.safetensors': base.bert!.values(), 'c.json': '{"image_size":32,"text_heads":5}' }),
      config: 'c.json',
    },
  ],
];

describe('refused by name', () => {
  test.each(cases)('%s', (name, given) => expectRefused(folder, name, given));

  test('one shard of two', async () => {
    const shard = `${FIXTURES}/bert-sharded/model-00001-of-00002.safetensors`;
    const error = await failure('MODEL_INCOMPLETE', () => importSmall([shard], out, { vocab: VOCAB }));
    expect(error.message).toContain(
      'got test/fixtures/checkpoints/bert-sharded/model-00001-of-00002.safetensors, one of 2; give model',
    );
  });

  test('a folder without a checkpoint', async () => {
    const here = join(folder, 'folders');
    mkdirSync(here);
    const empty = await failure('FILE_NOT_FOUND', () => importSmall([here], out));
    expect(empty.message).toContain(
      'a folder must hold model.safetensors or model.safetensors.index.json, got neither in',
    );
    symlinkSync('nowhere', join(here, 'm.safetensors'));
    await failure('FILE_NOT_FOUND', () => importSmall([join(here, 'm.safetensors')], out));
  });

  test.each([
    ['pytorch_model.bin', 'a PyTorch checkpoint (by its name)', 'pytorch_model.bin'],
    ['weights.PTH', 'a PyTorch checkpoint (by its name)', 'weights.PTH'],
    ['epoch3.ckpt', 'a PyTorch checkpoint (by its name)', 'epoch3.ckpt'],
    ['tf_model.h5', 'HDF5 (Keras)', 'load it where it comes from'],
    ['flax_model.msgpack', 'MessagePack (Flax)', 'load it where it comes from'],
    ['model.onnx', 'ONNX', 'load it where it comes from'],
    ['model.gguf', 'GGUF', 'load it where it comes from'],
    ['bert_model.ckpt.data-00000-of-00001', 'a TensorFlow checkpoint', 'load it where it comes from'],
  ])('%s whose content tells nothing is known by its name, alone and in a folder', async (name, what, advice) => {
    const here = join(folder, `named-${name}`);
    mkdirSync(here);
    writeFileSync(join(here, name), 'a stand-in');
    for (const given of [here, join(here, name)]) {
      const { message } = await failure('UNSUPPORTED', () => importSmall([given], out));
      expect(message).toContain(what);
      expect(message).toContain(advice);
      expect(message).toContain(here);
    }
  });

  test('a folder with pytorch_model.bin: the line that converts it at once', async () => {
    const here = join(folder, "an author's folder");
    mkdirSync(here);
    copyFileSync(`${FIXTURES}/zip.bin`, join(here, 'pytorch_model.bin'));
    for (const other of ['optimizer.pt', 'tf_model.h5', 'training_args.bin']) writeFileSync(join(here, other), 'x');
    const { message } = await failure('UNSUPPORTED', () => importSmall([here], out));
    expect(message).toContain('got "pytorch_model.bin", a PyTorch checkpoint (zip), in');
    const word = (file: string) => `'${join(here, file).replace("'", "'\\''")}'`;
    expect(message).toContain(`s.save_file(`);
    expect(message.endsWith(` ${word('model.safetensors')} ${word('pytorch_model.bin')}`)).toBe(true);
  });

  test('a checkpoint of PyTorch in parts: one line for all, from the folder, its index or a part', async () => {
    const here = join(folder, 'parts');
    mkdirSync(here);
    const parts = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin'];
    for (const part of parts) copyFileSync(`${FIXTURES}/zip.bin`, join(here, part));
    const index = join(here, 'pytorch_model.bin.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: { a: parts[0], b: parts[1] } }));
    for (const given of [here, index, join(here, parts[0]!)]) {
      const { message } = await failure('UNSUPPORTED', () => importSmall([given], out));
      expect(message).toContain('convert it where PyTorch is: python3 -c');
      expect(message.endsWith(['model.safetensors', ...parts].map(file => ` ${join(here, file)}`).join(''))).toBe(true);
    }
  });
});
