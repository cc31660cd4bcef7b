import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openModelFolder, webIo } from '../../formats/model-folder/index.js';
import {
  encodeSafetensors,
  openSafetensors,
  readAll,
  safetensorsChunks,
  tensorOf,
} from '../../formats/safetensors/index.js';
import { diskSource, writeFileAtomic } from '../../node/disk/files.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { files, sha256, toBytes, weights, withManifest } from './model-folder-files.js';
import { failure } from './raw-safetensors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('diskSource', () => {
  test('streams and reads ranges', async () => {
    const content = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) & 255);
    await writeFile(join(folder, 'x'), content);
    const source = (await diskSource(join(folder, 'x')))!;
    expect(source.size).toBe(content.length);
    expect(sha256(await readAll(source))).toBe(sha256(content));
    expect(await source.read!(2_999_990, 10)).toEqual(content.subarray(2_999_990));
    const error = await failure('FILE_UNREADABLE', () => source.read!(2_999_990, 11));
    expect(error.message).toContain('must have 3000001 bytes, got 3000000');
  });

  test('a tensor larger than a chunk is whole', async () => {
    const big = Float32Array.from({ length: 700_000 }, (_, i) => i);
    await writeFile(
      join(folder, 'big'),
      encodeSafetensors([tensorOf('s', [], Float32Array.of(7)), tensorOf('big', [700_000], big)]),
    );
    const open = await openSafetensors((await diskSource(join(folder, 'big')))!);
    const hashes = [];
    for await (const tensor of open.tensors()) hashes.push(sha256(tensor.bytes));
    expect(hashes[1]).toBe(sha256(new Uint8Array(big.buffer)));
  });

  test('reads into memory that is offered, and into its own where none is', async () => {
    const content = Uint8Array.from({ length: 9_000_000 }, (_, i) => (i * 11) & 255);
    await writeFile(join(folder, 'x'), content);
    const stream = (await diskSource(join(folder, 'x')))!.stream()[Symbol.asyncIterator]();
    const first = (await stream.next()).value!;
    const memory = new Uint8Array(100);
    const second = (await stream.next(memory)).value!;
    expect(second.buffer).toBe(memory.buffer);
    expect([...second]).toEqual([...content.subarray(first.length, first.length + 100)]);
    const parts = [first, second.slice()];
    const large = new Uint8Array(content.length);
    for (let next = await stream.next(large); !next.done; next = await stream.next(large))
      parts.push(next.value.slice());
    expect(sha256(Buffer.concat(parts))).toBe(sha256(content));
  });

  test('no file is null; a folder is an error', async () => {
    expect(await diskSource(join(folder, 'none'))).toBeNull();
    expect(await diskSource(join(folder, 'none', 'deeper'))).toBeNull();
    const error = await failure('FILE_UNREADABLE', () => diskSource(folder));
    expect(error.message).toContain('must be a file, got a folder');
  });

  test('a file that shrinks, grows or goes while it is read', async () => {
    const path = join(folder, 'x');
    await writeFile(path, 'abc');
    const source = (await diskSource(path))!;
    await writeFile(path, 'a');
    expect((await failure('FILE_UNREADABLE', () => readAll(source))).message).toContain('must have 3 bytes, got 1');
    await writeFile(path, 'abc');
    await appendFile(path, 'd');
    const grown = await failure('FILE_UNREADABLE', () => readAll(source));
    expect(grown.message).toContain('must keep its 3 bytes while it is read, got 4');
    await rm(path);
    expect((await failure('FILE_UNREADABLE', () => readAll(source))).message).toContain('got ENOENT');
  });

  test('a signal stops it between chunks', async () => {
    await writeFile(join(folder, 'x'), new Uint8Array(3 << 20));
    const stop = new AbortController();
    const source = (await diskSource(join(folder, 'x')))!;
    let chunks = 0;
    await failure('ABORTED', async () => {
      for await (const _ of source.stream(stop.signal)) if (++chunks === 1) stop.abort();
    });
    expect(chunks).toBe(1);
  });
});

describe('writeFileAtomic', () => {
  test('writes text, arrays and chunks, and makes folders', async () => {
    const path = join(folder, 'a', 'b', 'c.txt');
    await writeFileAtomic(path, 'é');
    expect(await readFile(path, 'utf8')).toBe('é');
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    expect([...(await readFile(path))]).toEqual([1, 2]);
    const tensors = [tensorOf('w', [2], Float32Array.of(1, 2))];
    await writeFileAtomic(path, safetensorsChunks(tensors));
    expect(new Uint8Array(await readFile(path))).toEqual(encodeSafetensors(tensors));
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['c.txt']);
  });

  test('a failure half-way leaves the old file and nothing else', async () => {
    const path = join(folder, 'x');
    await writeFileAtomic(path, 'old');
    async function* breaking() {
      yield toBytes('new');
      throw new Error('source broke');
    }
    await expect(writeFileAtomic(path, breaking())).rejects.toThrow('source broke');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['x']);
  });

  test('a path that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    const under = await failure('OUTPUT_NOT_WRITABLE', () => writeFileAtomic(join(folder, 'file', 'x'), 'a'));
    expect(under.message).toMatch(/writeFileAtomic: .*x must be writable, got (ENOTDIR|EEXIST)/);
    await mkdir(join(folder, 'taken'));
    const over = await failure('OUTPUT_NOT_WRITABLE', () => writeFileAtomic(join(folder, 'taken'), 'a'));
    expect(over.message).toMatch(/must be a file, got a folder; name another one/);
    expect((await readdir(folder)).sort()).toEqual(['file', 'taken']);
  });
});

describe('a model folder on disk', () => {
  test('opens by path and by file: address, with the hash of model.safetensors', async () => {
    for (const [name, content] of Object.entries(withManifest(files()))) await writeFile(join(folder, name), content);
    for (const location of [folder, pathToFileURL(folder).href]) {
      const opened = await openModelFolder(location, nodeIo);
      const names = [];
      for await (const tensor of opened.weights.tensors()) names.push(tensor.name);
      expect(names).toEqual(['a.weight', 'a.bias']);
      expect(opened.hash()).toBe(sha256(weights));
    }
  });

  test('a folder that is not there', async () => {
    const error = await failure('FILE_NOT_FOUND', () => openModelFolder(join(folder, 'none'), nodeIo));
    expect(error.message).toContain('must hold config.json, got none in ');
  });
});

test('the hash for browsers is the hash of Node', () => {
  for (const length of [0, 1, 55, 64, 1000]) {
    const bytes = new Uint8Array(length).fill(length);
    const hash = webIo.sha256();
    hash.update(bytes.subarray(0, 10));
    hash.update(bytes.subarray(10));
    expect(hash.hex()).toBe(sha256(bytes));
  }
});
