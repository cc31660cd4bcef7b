// Whether a model's files were checked is said, can be demanded, and goes without saying for the model that the package ships.

import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { openSession } from '../../node/index.js';
import { nodeIo, shippedModel } from '../../node/model-folder/folder.js';
import { type Files, files, manifestOf, memoryIo, withManifest } from './model-folder-files.js';

const open = async (contents: Files, integrity?: 'auto' | 'required') => {
  const folder = await openModelFolder('m', memoryIo(contents), { integrity });
  await folder.close();
  return folder.integrity;
};

const without = (name: string): Files => {
  const listed = files();
  delete listed[name];
  return { ...files(), 'manifest.json': manifestOf(listed) };
};

describe('a folder', () => {
  test('whose manifest lists all its files is checked', async () => {
    expect(await open(withManifest(files()))).toBe('checked');
    expect(await open(withManifest(files()), 'required')).toBe('checked');
    const { 'vocab.txt': _, ...wordless } = files();
    expect(await open(withManifest(wordless), 'required')).toBe('checked');
  });

  test.each<[string, Files]>([
    ['without a manifest', files()],
    ['whose manifest lists nothing', { ...files(), 'manifest.json': '{"files":{}}' }],
    ['whose manifest has no weights', without('model.safetensors')],
    ['whose manifest has no configuration', without('config.json')],
    ['whose manifest has no vocabulary', without('vocab.txt')],
  ])('%s is not, and is refused where that is asked for', async (_, contents) => {
    expect(await open(contents)).toBe('unchecked');
    expect(await open(contents, 'auto')).toBe('unchecked');
    await expect(open(contents, 'required')).rejects.toMatchObject({
      code: 'MODEL_UNCHECKED',
      message: expect.stringMatching(/^openModelFolder: m must have a manifest\.json that lists all its files/),
    });
  });
});

describe('the shipped model', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tmca-integrity-'));
  const copy = join(folder, 'nano');
  beforeEach(() => {
    rmSync(copy, { recursive: true, force: true });
    cpSync('models/nano', copy, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (location: string) => {
    const opened = await openModelFolder(location, nodeIo);
    for await (const _ of opened.weights.tensors());
    return opened.integrity;
  };
  /** One bit of a weight. */
  const alter = (name = 'model.safetensors') => {
    const bytes = readFileSync(join(copy, name));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(join(copy, name), bytes);
  };
  const edit = () => {
    const contents = ['config.json', 'vocab.txt', 'model.safetensors'].map(name => [
      name,
      readFileSync(join(copy, name)),
    ]);
    writeFileSync(join(copy, 'manifest.json'), manifestOf(Object.fromEntries(contents)));
  };

  test('is known by the package: a copy without a manifest is checked', async () => {
    expect(await read('models/nano')).toBe('checked');
    rmSync(join(copy, 'manifest.json'));
    expect(await read(copy)).toBe('checked');
  });

  test.each(['model.safetensors', 'vocab.txt'])('an altered byte of %s is found without a manifest', async name => {
    alter(name);
    rmSync(join(copy, 'manifest.json'));
    await expect(read(copy)).rejects.toMatchObject({
      code: 'MANIFEST_MISMATCH',
      message: expect.stringContaining('the package, whose model it is, says SHA-256'),
    });
  });

  test('and with one that was edited along', async () => {
    alter();
    edit();
    await expect(read(copy)).rejects.toMatchObject({ code: 'MANIFEST_MISMATCH' });
  });

  test('in its own place even where its configuration was edited', async () => {
    const own = { ...nodeIo, isShipped: () => true };
    writeFileSync(join(copy, 'config.json'), readFileSync(join(copy, 'config.json'), 'utf8').replace('0.1', '0.2'));
    edit();
    await expect(openModelFolder(copy, own)).rejects.toMatchObject({ code: 'MANIFEST_MISMATCH' });
    expect(nodeIo.isShipped!(shippedModel())).toBe(true);
    expect(nodeIo.isShipped!(copy)).toBe(false);
    symlinkSync(shippedModel(), join(folder, 'link'));
    expect(nodeIo.isShipped!(join(folder, 'link'))).toBe(true);
  });

  test('a model made from it, with a name of its own, is its maker`s', async () => {
    const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8'));
    writeFileSync(join(copy, 'config.json'), JSON.stringify({ ...config, name: 'mine' }));
    rmSync(join(copy, 'manifest.json'));
    alter();
    expect(await read(copy)).toBe('unchecked');
    await using session = await (async () => {
      const opened = await openSession(copy, { device: 'wasm' });
      return { opened, [Symbol.asyncDispose]: async () => opened.dispose() };
    })();
    const { opened } = session;
    expect(opened.info.integrity).toBe('unchecked');
    const report = await opened.encodeReport('one polyp');
    const data = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
    const segment = () => opened.segment({ data, width: 10, height: 10, channels: 3 }, report);
    // Told once.
    expect((await segment()).warnings.map(({ code }) => code)).toEqual(['MODEL_UNCHECKED']);
    expect((await segment()).warnings).toEqual([]);
    await expect(openSession(copy, { device: 'wasm', integrity: 'required' })).rejects.toMatchObject({
      code: 'MODEL_UNCHECKED',
    });
  });
});
