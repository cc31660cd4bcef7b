import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../errors/index.js';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { type SafetensorsTensor, toFloat32 } from '../../formats/safetensors/index.js';
import {
  type Files,
  files,
  manifestOf,
  memoryIo,
  sha256,
  toBytes,
  weights,
  withManifest,
} from './model-folder-files.js';
import { failure } from './raw-safetensors.js';

async function readFolder(contents: Files) {
  const folder = await openModelFolder('m', memoryIo(contents));
  const tensors: SafetensorsTensor[] = [];
  for await (const tensor of folder.weights.tensors()) tensors.push(tensor);
  return { folder, tensors };
}

const flipped = (content: string | Uint8Array, at: number): Uint8Array => {
  const bytes = toBytes(content).slice();
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return bytes;
};

const manifest = (text: string): Files => ({ ...files(), 'manifest.json': text });
const config = (text: string | Uint8Array): Files => ({ ...files(), 'config.json': text });
const damaged = (name: string, content: string | Uint8Array): Files => ({ ...withManifest(files()), [name]: content });
const without = (name: string, contents = files()): Files =>
  Object.fromEntries(Object.entries(contents).filter(([key]) => key !== name));
const zeros = '0'.repeat(64);

const malformed: [name: string, contents: Files, code: ErrorCode, says: string][] = [
  ['an empty folder', {}, 'FILE_NOT_FOUND', 'a model folder must hold config.json, got none in m'],
  ['no config.json', without('config.json'), 'FILE_NOT_FOUND', 'must hold config.json'],
  [
    'no model.safetensors',
    without('model.safetensors'),
    'FILE_NOT_FOUND',
    'must hold model.safetensors, got none in m',
  ],
  ['an empty config.json', config(''), 'CONFIG_INVALID', 'm/config.json must be JSON'],
  ['a config.json that is a web page', config('<!doctype html>'), 'CONFIG_INVALID', 'm/config.json must be JSON'],
  ['a config.json that breaks off', config('{"heads":'), 'CONFIG_INVALID', 'm/config.json must be JSON'],
  [
    'a config.json that is not UTF-8',
    config(Uint8Array.of(0x7b, 0xff, 0x7d)),
    'CONFIG_INVALID',
    'must be UTF-8, got 3 bytes',
  ],
  [
    'a key of config.json twice',
    config('{"heads":2,"heads":4}'),
    'CONFIG_INVALID',
    'have each key once, got "heads" twice',
  ],
  [
    'a config.json that is a list',
    config('[]'),
    'CONFIG_INVALID',
    'm/config.json: a configuration must be a JSON object',
  ],
  ['a config.json that breaks a rule', config('{"heads":5}'), 'CONFIG_INVALID', 'heads must divide dims[1]'],
  ['a config.json of 5 MB', config(`{"a":"${'x'.repeat(5e6)}"}`), 'CONFIG_INVALID', 'must have at most 4194304 bytes'],
  [
    'a vocabulary too short',
    { ...files(), 'vocab.txt': '[PAD]\n' },
    'MODEL_MISMATCH',
    'must have 4 lines (vocab_size of config.json), got 1',
  ],
  ['a vocabulary too long', { ...files(), 'vocab.txt': 'a\nb\nc\nd\ne' }, 'MODEL_MISMATCH', 'got 5'],
  ['an empty vocabulary', { ...files(), 'vocab.txt': '' }, 'MODEL_MISMATCH', 'm/vocab.txt must have 4 lines'],
  [
    'an empty model.safetensors',
    { ...files(), 'model.safetensors': '' },
    'SAFETENSORS_INVALID',
    'at least 8 bytes, got 0',
  ],
  [
    'a model.safetensors cut short',
    { ...files(), 'model.safetensors': weights.subarray(0, -1) },
    'SAFETENSORS_INVALID',
    'within the file',
  ],
  [
    'a model.safetensors of zeros',
    { ...files(), 'model.safetensors': new Uint8Array(999) },
    'SAFETENSORS_INVALID',
    'JSON object',
  ],
  ['an empty manifest', manifest(''), 'MANIFEST_MISMATCH', 'm/manifest.json must be JSON'],
  [
    'a manifest that is a list',
    manifest('[]'),
    'MANIFEST_MISMATCH',
    'a manifest must be an object with "files", got []',
  ],
  [
    'a manifest without files',
    manifest('{}'),
    'MANIFEST_MISMATCH',
    'a manifest must be an object with "files", got {}',
  ],
  ['a manifest with a list of files', manifest('{"files":[]}'), 'MANIFEST_MISMATCH', 'an object with "files"'],
  [
    'a manifest with files in __proto__',
    manifest('{"__proto__":{"files":{}}}'),
    'MANIFEST_MISMATCH',
    'an object with "files"',
  ],
  [
    'a manifest with a file twice',
    manifest('{"files":{"a":{},"a":{}}}'),
    'MANIFEST_MISMATCH',
    'have each key once, got "a" twice',
  ],
  [
    'a manifest entry that is null',
    manifest('{"files":{"a":null}}'),
    'MANIFEST_MISMATCH',
    '"a" must have "bytes" and "sha256"',
  ],
  [
    'a manifest entry without bytes',
    manifest(`{"files":{"a":{"sha256":"${zeros}"}}}`),
    'MANIFEST_MISMATCH',
    '"a" must have "bytes"',
  ],
  [
    'negative bytes',
    manifest(`{"files":{"a":{"bytes":-1,"sha256":"${zeros}"}}}`),
    'MANIFEST_MISMATCH',
    '"a" must have "bytes"',
  ],
  [
    'a short hash',
    manifest('{"files":{"a":{"bytes":1,"sha256":"00"}}}'),
    'MANIFEST_MISMATCH',
    '(64 hexadecimal digits)',
  ],
  [
    'a hash that is not hexadecimal',
    manifest(`{"files":{"a":{"bytes":1,"sha256":"${'g'.repeat(64)}"}}}`),
    'MANIFEST_MISMATCH',
    '(64 hex',
  ],
  [
    'a config.json of another length',
    damaged('config.json', '{}'),
    'MANIFEST_MISMATCH',
    'm/config.json: the manifest says',
  ],
  [
    'a config.json with a flipped bit',
    damaged('config.json', flipped(files()['config.json']!, -3)),
    'MANIFEST_MISMATCH',
    'm/config.json: the manifest says SHA-256',
  ],
  [
    'a vocabulary with a flipped bit',
    damaged('vocab.txt', flipped(files()['vocab.txt']!, 2)),
    'MANIFEST_MISMATCH',
    'm/vocab.txt: the manifest says SHA-256',
  ],
  [
    'no vocabulary where the manifest has one',
    without('vocab.txt', withManifest(files())),
    'MANIFEST_MISMATCH',
    'the manifest says vocab.txt, got none',
  ],
  [
    'weights cut short',
    damaged('model.safetensors', weights.subarray(0, -1)),
    'MANIFEST_MISMATCH',
    `the manifest says ${weights.length} bytes, got ${weights.length - 1}`,
  ],
  [
    'weights with a byte more',
    damaged('model.safetensors', Uint8Array.of(...weights, 0)),
    'MANIFEST_MISMATCH',
    `got ${weights.length + 1}`,
  ],
  [
    'weights with a flipped bit',
    damaged('model.safetensors', flipped(weights, -1)),
    'MANIFEST_MISMATCH',
    'm/model.safetensors: the manifest says SHA-256',
  ],
  [
    'weights zeroed',
    damaged(
      'model.safetensors',
      weights.map((b, i) => (i < weights.length - 576 ? b : 0)),
    ),
    'MANIFEST_MISMATCH',
    'SHA-256',
  ],
];

describe('malformed folders', () => {
  test.each(malformed)('%s', async (_, contents, code, says) => {
    const error = await failure(code, () => readFolder(contents));
    expect(error.message).toContain(says);
    expect(error.message).not.toContain('\n');
  });
});

test('a config.json without end, from a source that does not know its length', async () => {
  let sent = 0;
  async function* endless() {
    for (;;) {
      sent += 1 << 20;
      yield new Uint8Array(1 << 20);
    }
  }
  const open = async (name: string) =>
    name === 'config.json' ? { name, size: undefined, stream: endless, close: async () => {} } : null;
  const io = { ...memoryIo({}), folder: () => ({ open }) };
  const error = await failure('CONFIG_INVALID', () => openModelFolder('m', io));
  expect(error.message).toContain('config.json must have at most 4194304 bytes, got 5242880');
  expect(sent).toBe(5 << 20);
});

describe('good folders', () => {
  test('all four files', async () => {
    const { folder, tensors } = await readFolder(withManifest(files()));
    expect(folder.config).toMatchObject({
      imageSize: 64,
      vocabSize: 4,
      name: 'four-words',
      extra: { comment: 'kept' },
    });
    expect(folder.vocab).toEqual(toBytes('[PAD]\n[CLS]\n[SEP]\n[UNK]\n'));
    expect(folder.manifest?.extra).toEqual({ package: 'tmca-edge' });
    expect(folder.hash()).toBe(sha256(weights));
    expect(tensors.map(t => t.name)).toEqual(['a.weight', 'a.bias']);
    expect(toFloat32(tensors[0]!)[9]).toBe(Math.fround(9 / 7));
  });

  test('without manifest and vocabulary the hash comes with the end of the stream', async () => {
    const folder = await openModelFolder('m', memoryIo(without('vocab.txt')));
    expect(folder).toMatchObject({ manifest: null, vocab: null });
    expect(folder.hash()).toBeNull();
    for await (const _ of folder.weights.tensors());
    expect(folder.hash()).toBe(sha256(weights));
  });

  test('with a manifest the hash is there before the stream', async () => {
    const folder = await openModelFolder('m', memoryIo(withManifest(files())));
    expect(folder.hash()).toBe(sha256(weights));
    await folder.close();
    await folder.close();
  });

  test('hashes in upper case, a vocabulary without a last line feed or with CRLF, a byte order mark in config.json', async () => {
    const contents = { ...files(), 'vocab.txt': 'a\r\nb\r\nc\r\nd', 'config.json': `\ufeff${files()['config.json']}` };
    const upper = manifestOf(contents).replace(/[0-9a-f]{64}/g, hash => hash.toUpperCase());
    const { folder } = await readFolder({ ...contents, 'manifest.json': upper });
    expect(folder.config.name).toBe('four-words');
  });

  test('files that the manifest does not know are read without it', async () => {
    const { folder } = await readFolder(manifest(manifestOf({ 'README.md': 'x' })));
    expect(folder.hash()).toBe(sha256(weights));
  });

  test('an aborted signal ends in ABORTED', async () => {
    await failure('ABORTED', () => openModelFolder('m', memoryIo(files()), { signal: AbortSignal.abort() }));
  });
});
