// Files that are none, or none of the kind: every reader answers at once, with an error that names the path.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readVocabulary } from '../../convert/vocabulary.js';
import { parseJson } from '../../formats/json.js';
import { parseHeader } from '../../formats/safetensors/header.js';
import { openDataset } from '../../node/datasets/dataset.js';
import { readEvaluation } from '../../node/datasets/evaluation-file.js';
import { ifThere, LIST_BYTES, readBytes, readJson, readText } from '../../node/disk/read-file.js';
import { cacheFolder, tuningFiles } from '../../node/disk/tuning-store.js';
import { decodeImage } from '../../node/images/image-files.js';
import { readMeasurement } from '../../reports/benchmark/read.js';
import { resolveTrainConfig } from '../../train/config.js';
import { latestCheckpoint, readMetrics, readRunInfo } from '../../train/run-files/index.js';
import { readGrid } from '../../train/study/grid.js';
import { call } from './cli-fakes.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-read-'));
});
afterEach(() => rm(folder, { recursive: true }));

const kind = { rule: 'reader: there must be a list', advice: 'mend it', invalid: 'DATASET_INVALID' } as const;
const pipe = (...path: string[]) => {
  const name = join(folder, ...path);
  execFileSync('mkfifo', [name]);
  return name;
};

describe('what is no regular file is refused at once', () => {
  /** What must read `name` in the test's folder, or the path itself. */
  const readers: [string, string, (path: string) => Promise<unknown>][] = [
    ['a list of records', 'dataset.json', () => openDataset(folder)],
    ['captions', 'anns/train.json', () => openDataset(folder)],
    ['a table of texts', 'Test_Folder/Test_text.csv', () => openDataset(folder)],
    ['--config', 'config.json', path => resolveTrainConfig(path)],
    ['--grid', 'grid.json', path => readGrid([path])],
    ['run.json', 'run.json', () => readRunInfo(folder)],
    ['metrics', 'metrics.jsonl', path => readMetrics(path)],
    ['scores', 'evaluation-test.json', path => readEvaluation(path)],
    ['a bench file', 'bench.json', path => readMeasurement(path)],
    ['a vocabulary', 'vocab.txt', path => readVocabulary(path, undefined, [])],
    ['the manifest of a checkpoint', '000001/manifest.json', () => latestCheckpoint(folder)],
    ['an image', 'image.png', path => decodeImage(path)],
    ['what was measured', 'tuning.json', () => tuningFiles(folder).read('tuning.json')],
  ];
  test.each(readers)('%s that is a pipe', async (_, name, read) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    const path = pipe(name);
    await expect(read(path)).rejects.toMatchObject({ message: expect.stringContaining('pipe or') });
  });

  test.each(readers)('%s that a link leads to a device', async (_, name, read) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    const path = join(folder, name);
    await symlink('/dev/zero', path);
    await expect(read(path)).rejects.toMatchObject({ message: expect.stringContaining('pipe or') });
  });

  test('files named to commands', async () => {
    const path = pipe('x.json');
    for (const argv of [
      ['tokenize', '--vocab', path],
      ['ablate', '--data', folder, '--out', join(folder, 'out'), '--table', '2', '--paper', path],
      ['sweep', '--data', folder, '--out', join(folder, 'out'), '--grid', path],
      ['bench', 'report', path, '--out', join(folder, 'page.html')],
    ]) {
      const { code, stderr } = await call(argv);
      expect(stderr).toMatch(/^error \[(FILE_UNREADABLE|BAD_ARGUMENT|FILE_NOT_FOUND|DATASET_INVALID)\]: /);
      expect([argv[0], code]).toEqual([argv[0], 1]);
    }
  });
});

describe('readBytes', () => {
  test('follows links to regular files, and reads more than one chunk', async () => {
    const bytes = new Uint8Array(2 ** 21 + 5).map((_, i) => i);
    await writeFile(join(folder, 'real'), bytes);
    await symlink('real', join(folder, 'link'));
    expect(Buffer.compare(await readBytes(join(folder, 'link'), kind), bytes)).toBe(0);
    expect(await readBytes('/proc/self/stat', kind)).not.toHaveLength(0);
  });

  test('a file beyond the limit is not read, and its own code says so', async () => {
    const path = join(folder, 'large');
    await writeFile(path, '');
    await truncate(path, 2 ** 40);
    await expect(readBytes(path, { ...kind, limit: LIST_BYTES })).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: `reader: there must be a list, got ${2 ** 40} bytes, where ${LIST_BYTES} are the most, at ${path}; mend it`,
    });
  });

  test('no file, a folder, a stopped reader', async () => {
    await expect(readBytes(join(folder, 'none'), kind)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(readBytes(folder, kind)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await writeFile(join(folder, 'a'), 'a');
    const signal = AbortSignal.abort();
    await expect(readBytes(join(folder, 'a'), { ...kind, signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await ifThere(readBytes(join(folder, 'none'), kind))).toBeUndefined();
    await expect(ifThere(readBytes(folder, kind))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('readText', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['UTF-16 with its mark', Buffer.from('\ufeffImage,Description\n', 'utf16le'), /got UTF-16, where UTF-8 is read/],
    ['UTF-16 without', Buffer.from('Image,Description\n', 'utf16le'), /got UTF-16 or another encoding/],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0]), /got UTF-32/],
    ['Windows-1252', Buffer.from('Größe', 'latin1'), /perhaps Windows-1252/],
    ['no text', Buffer.from([1, 0, 2, 0xff, ...Buffer.from('a long word')]), /bytes that are no text/],
  ])('%s is named', async (_, bytes, message) => {
    const path = join(folder, 'text');
    await writeFile(path, bytes);
    await expect(readText(path, kind)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(message),
    });
  });
  test('UTF-8 with a byte order mark and without', async () => {
    await writeFile(join(folder, 'text'), '\ufeffGröße');
    expect(await readText(join(folder, 'text'), kind)).toBe('Größe');
  });
});

describe('JSON of any shape is refused before it takes memory', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

  test('depth and number of values are bounded; brackets in texts do not count', () => {
    expect(parseJson(deep(64))).toHaveProperty('value');
    expect(parseJson(deep(65))).toMatchObject({ problem: 'excess', detail: 'more than 64 levels' });
    expect(parseJson(`[${'[],'.repeat(3_000_000)}[]]`)).toMatchObject({ problem: 'excess' });
    expect(parseJson(`{"a": "${'['.repeat(100)}\\"${'{'.repeat(100)}"}`)).toHaveProperty('value');
    expect(parseJson('{"a": "no end')).toMatchObject({ problem: 'syntax' });
    expect(parseJson('"\\')).toMatchObject({ problem: 'syntax' });
  });

  test('the header of a safetensors file', () => {
    const json = new TextEncoder().encode(`{"a":${deep(1000)}}`);
    const bytes = new Uint8Array(8 + json.length);
    new DataView(bytes.buffer).setUint32(0, json.length, true);
    bytes.set(json, 8);
    expect(() => parseHeader(bytes, bytes.length, 'x')).toThrow(/more than 64 levels/);
  });

  test('a value and a file of --grid, --config, a data set', async () => {
    const path = join(folder, 'dataset.json');
    await writeFile(path, `{"records": ${deep(100_000)}}`);
    const refused = { message: expect.stringContaining('more than 64 levels') };
    await expect(readJson(path, kind)).rejects.toMatchObject(refused);
    await expect(openDataset(folder)).rejects.toMatchObject({ ...refused, code: 'DATASET_INVALID' });
    await expect(resolveTrainConfig(path)).rejects.toMatchObject({ ...refused, code: 'CONFIG_INVALID' });
    await expect(readGrid([path])).rejects.toMatchObject({ ...refused, code: 'CONFIG_INVALID' });
    await expect(readGrid([`augment=${deep(30_000)}`])).rejects.toMatchObject({ ...refused, code: 'CONFIG_INVALID' });
  });

  test('a key twice is named', async () => {
    await writeFile(join(folder, 'a.json'), '{"lr": 1, "lr": 2}');
    await expect(resolveTrainConfig(join(folder, 'a.json'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('got the key "lr" twice'),
    });
  });
});

test('a line without an end on standard input', async () => {
  await writeFile(join(folder, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n');
  async function* endless() {
    for (;;) yield new Uint8Array(2 ** 20);
  }
  const { code, stderr } = await call(['tokenize', '--vocab', join(folder, 'vocab.txt')], { stdin: endless() });
  expect(stderr).toMatch(/^error \[BAD_ARGUMENT\]: tokenize: a line may have 16777216 bytes/);
  expect(code).toBe(1);
});

describe('a user without a home folder', () => {
  test('nothing is kept, and nothing fails', async () => {
    expect(cacheFolder('linux', {}, null)).toBeNull();
    expect(cacheFolder('linux', { XDG_CACHE_HOME: 'relative' }, null)).toBeNull();
    expect(cacheFolder('linux', { XDG_CACHE_HOME: '/c' }, null)).toBe('/c/tmca-edge');
    const store = tuningFiles(null);
    expect(store.place).toMatch(/no home folder/);
    expect(await store.read('x.json')).toBeNull();
    await expect(store.write('x.json', '{}')).rejects.toMatchObject({ code: 'OUTPUT_NOT_WRITABLE' });
  });

  test('an empty HOME is none, since it would mean the folder of the call', () => {
    const { HOME } = process.env;
    try {
      process.env.HOME = '';
      expect(homedir()).toBe('');
      expect(cacheFolder('linux', {})).toBeNull();
    } finally {
      process.env.HOME = HOME;
    }
  });
});
