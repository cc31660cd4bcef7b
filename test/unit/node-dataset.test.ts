// Data sets on disk: dataset.json, and every fault that a folder from elsewhere may have. The files are empty: opening a
// data set decodes nothing.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDataset, surveyDataset } from '../../node/datasets/dataset.js';
import { datasetFolder } from './dataset-folder.js';

const set = datasetFolder();
const { write } = set;

const record = (id: string, more: object = {}) => {
  return { id, image: `images/${id}.jpg`, mask: `masks/${id}.png`, split: 'test', text: 'one polyp', ...more };
};
const filesOf = (...ids: string[]) =>
  Object.fromEntries(ids.flatMap(id => [`images/${id}.jpg`, `masks/${id}.png`].map(name => [name, ''])));

describe('dataset.json', () => {
  test('gives its records in order, with absolute paths', async () => {
    const marked = { corner_artefact: true, blurred: false, size: 1 };
    const records = [record('b', marked), record('a', { split: 'train', source: 'kept out' })];
    await write({ 'dataset.json': { name: 'Polyps', records }, ...filesOf('a', 'b') });
    const dataset = await openDataset(set.path);
    expect(dataset.name).toBe('Polyps');
    expect(dataset.records).toEqual([
      {
        id: 'b',
        image: join(set.path, 'images/b.jpg'),
        mask: join(set.path, 'masks/b.png'),
        split: 'test',
        text: 'one polyp',
        marks: ['corner_artefact'],
      },
      {
        id: 'a',
        image: join(set.path, 'images/a.jpg'),
        mask: join(set.path, 'masks/a.png'),
        split: 'train',
        text: 'one polyp',
        marks: [],
      },
    ]);
  });

  test('looks for the files of the split that was asked for only', async () => {
    const records = [record('a'), record('b', { split: 'train' })];
    await write({ 'dataset.json': { records }, ...filesOf('a') });
    expect((await openDataset(set.path, { split: 'test' })).records.map(r => r.id)).toEqual(['a']);
    await expect(openDataset(set.path)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: /"b" \(no file images/,
    });
  });

  test('may begin with a byte order mark', async () => {
    await write({ 'dataset.json': `\uFEFF${JSON.stringify({ records: [record('a')] })}`, ...filesOf('a') });
    expect((await openDataset(set.path)).records).toHaveLength(1);
  });

  const faulty: [string, unknown, RegExp][] = [
    ['no JSON', '{"records": [', /dataset\.json must be JSON, got no JSON .*; mend the file/],
    ['null', null, /must be \{"name", "records"/],
    ['a list', [record('a')], /got no list of records/],
    ['records that are no list', { records: { a: 1 } }, /got no list of records/],
    ['no records', { records: [] }, /must have records, got none/],
    [
      'a record that is null',
      { records: [record('a'), null] },
      /got 1 of 2 records of .*: record 2 \(id is no text\); mend/,
    ],
    ['a number for an id', { records: [record('a', { id: 7 })] }, /record 1 \(id is no text\)/],
    ['an id twice', { records: [record('a'), record('a', { text: 'two' })] }, /"a" \(id occurs twice, with another/],
    ['no split', { records: [record('a', { split: undefined })] }, /"a" \(split is no text\)/],
    ['an empty text', { records: [record('a', { text: ' \n' })] }, /"a" \(text is empty\)/],
    ['no text', { records: [record('a', { text: undefined })] }, /"a" \(text is empty\)/],
    [
      'an absolute path',
      { records: [record('a', { image: '/etc/passwd' })] },
      /image must lie in the folder, got "\/etc\/passwd"/,
    ],
    ['a path that leaves', { records: [record('a', { mask: 'masks/../../x.png' })] }, /mask must lie in the folder/],
    ['the folder itself', { records: [record('a', { image: '.' })] }, /image must lie in the folder/],
    [
      'a NUL in a path',
      { records: [record('a', { image: 'images/a\0.jpg' })] },
      /image must lie in the folder, got "images\/a\\u0000/,
    ],
    [
      'a missing image',
      { records: [record('nowhere')] },
      /"nowhere" \(no file images\/nowhere\.jpg, masks\/nowhere\.png\)/,
    ],
    ['a folder for an image', { records: [record('a', { image: 'images' })] }, /"a" \(no file images\)/],
  ];
  test.each(faulty)('refuses %s', async (_, json, text) => {
    await write({ 'dataset.json': json, ...filesOf('a') });
    const error = await openDataset(set.path).catch(e => e);
    expect(error).toMatchObject({ code: 'DATASET_INVALID', message: expect.stringMatching(text) });
    expect(error.message).not.toContain('\n');
  });

  test('tells faults and leaves the records out where that is asked for', async () => {
    const records = [
      record('a'),
      record('b', { text: '' }),
      record('c'),
      record('d', { split: 'train', text: '' }),
      { id: 'e' },
    ];
    await write({ 'dataset.json': { records }, ...filesOf('a', 'b', 'd') });
    const told: object[] = [];
    const onFault = (fault: object) => told.push(fault);
    const { records: left } = await openDataset(set.path, { split: 'test', onFault });
    expect(left.map(({ id }) => id)).toEqual(['a']);
    expect(told).toEqual([
      { id: '"b"', fault: 'text is empty' },
      { id: '"e"', fault: 'split is no text' },
      { id: '"c"', fault: 'no file images/c.jpg, masks/c.png' },
    ]);
    await rm(join(set.path, 'masks/a.png'));
    await expect(openDataset(set.path, { split: 'test', onFault })).rejects.toThrow(
      /some record must be without fault/,
    );
  });

  test('names five faulty records and counts the others', async () => {
    const records = Array.from({ length: 12 }, (_, i) => record(`r${i}`, i < 4 ? {} : { text: '' }));
    await write({ 'dataset.json': { records } });
    const { message } = await openDataset(set.path).catch(e => e);
    expect(message).toMatch(/got 8 of 12 records .*"r4" .*"r8" \(text is empty\) and 3 more; mend/);
    expect(message).not.toContain('"r9"');
  });

  test('without the split says which there are', async () => {
    const records = [record('a'), record('b', { split: 'train' }), record('c')];
    await write({ 'dataset.json': { records }, ...filesOf('a', 'b', 'c') });
    const message = expect.stringMatching(/got none in "val" of .*; it has test \(2\), train \(1\)/);
    await expect(openDataset(set.path, { split: 'val' })).rejects.toMatchObject({ code: 'DATASET_INVALID', message });
  });
});

describe('dataset.json as people write it', () => {
  const only = async (fields: object, ...files: string[]) => {
    await write({
      'dataset.json': { records: [record('a', fields)] },
      ...Object.fromEntries(files.map(name => [name, ''])),
    });
    return openDataset(set.path);
  };

  test('a fault of a split that was not asked for ends nothing', async () => {
    const records = [
      record('a'),
      record('b', { split: 'train', text: '' }),
      record('c', { split: 'train', image: '../x' }),
    ];
    await write({ 'dataset.json': { records }, ...filesOf('a') });
    expect((await openDataset(set.path, { split: 'test' })).records).toHaveLength(1);
    await expect(openDataset(set.path, { split: 'train' })).rejects.toThrow(/got 2 of 2 records .*"b".*"c"/);
  });
  test("Windows' backslashes are read, and do not lead out of the folder", async () => {
    const { records } = await only({ image: 'images\\a.jpg', mask: '.\\masks\\a.png' }, 'images/a.jpg', 'masks/a.png');
    expect(records[0]).toMatchObject({ image: join(set.path, 'images/a.jpg'), mask: join(set.path, 'masks/a.png') });
    for (const image of ['..\\a.jpg', 'C:\\data\\a.jpg', 'C:a.jpg', '\\\\server\\a.jpg']) {
      await expect(only({ image })).rejects.toThrow(/image must lie in the folder/);
    }
  });
  test('a name in NFC finds its file in NFD, one in small letters that in capitals, one without extension its only one', async () => {
    const files = ['images/gro\u0308\u00dfe.jpg', 'Masks/A.PNG'];
    const { records } = await only({ image: 'images/gr\u00f6\u00dfe', mask: 'masks/a.png' }, ...files);
    expect(records[0]).toMatchObject({ image: join(set.path, files[0]!), mask: join(set.path, files[1]!) });
  });
  test('a name with an extension stands for no file of another one', async () => {
    await expect(only({ image: 'a.jpg', mask: 'a.png' }, 'a.png')).rejects.toThrow(/"a" \(no file a\.jpg\)/);
  });
  test('of a list of sentences the first is read, and that is told', async () => {
    const { records, notes } = await only({ text: ['one polyp', 'a polyp'] }, 'images/a.jpg', 'masks/a.png');
    expect(records[0]!.text).toBe('one polyp');
    expect(notes).toEqual(['1 records have several sentences: the first of each is read']);
    await expect(only({ text: [] })).rejects.toThrow(/"a" \(text is empty\)/);
  });
  test('prompts by name', async () => {
    const prompts = { short: 'polyp', long: 'one polyp' };
    await write({ 'dataset.json': { records: [record('a', { text: undefined, prompts })] }, ...filesOf('a') });
    expect((await openDataset(set.path, { prompt: 'long' })).records[0]!.text).toBe('one polyp');
    await expect(openDataset(set.path)).rejects.toThrow(/no prompt p6, only short, long: choose one with --prompt/);
    await only({});
    await expect(openDataset(set.path, { prompt: 'p1' })).rejects.toThrow(/it has one sentence a record/);
  });
  test('an id may occur in two splits, a record that is the same twice is read once', async () => {
    const records = [record('a'), record('a'), record('a', { split: 'train' })];
    await write({ 'dataset.json': { records }, ...filesOf('a') });
    const { records: read, notes, warnings } = await openDataset(set.path);
    expect(read.map(({ id, split }) => [id, split])).toEqual([
      ['a', 'test'],
      ['a', 'train'],
    ]);
    expect(notes).toEqual(['1 record is there twice and read once: "a"']);
    expect(warnings).toEqual([expect.stringMatching(/^1 image is in "train" and in "test"/)]);
  });
  test.each(['validation', 'valid', 'dev', 'Val', 'VALIDATION '])('the split %j is "val"', async split => {
    const records = [record('a', { split }), record('b', { split: 'Training' })];
    await write({ 'dataset.json': { records }, ...filesOf('a', 'b') });
    expect((await surveyDataset(set.path)).splits).toEqual({ val: 1, train: 1 });
    expect((await openDataset(set.path, { split: 'val' })).records.map(({ id }) => id)).toEqual(['a']);
  });
  test('two splits that may both be "val" stay what they are', async () => {
    const records = [record('a', { split: 'dev' }), record('b', { split: 'validation' })];
    await write({ 'dataset.json': { records }, ...filesOf('a', 'b') });
    await expect(openDataset(set.path, { split: 'val' })).rejects.toThrow(
      /dev and validation may both be meant: name one/,
    );
    expect((await openDataset(set.path, { split: 'dev' })).records).toHaveLength(1);
  });
  test('a list in UTF-16 is read, one in Windows-1252 refused by name', async () => {
    const text = JSON.stringify({ records: [record('a', { text: 'größe' })] });
    await write({ 'dataset.json': Buffer.from(`\uFEFF${text}`, 'utf16le'), ...filesOf('a') });
    expect((await openDataset(set.path)).records[0]!.text).toBe('größe');
    await write({ 'dataset.json': Buffer.from(text, 'latin1') });
    await expect(openDataset(set.path)).rejects.toThrow(/Windows-1252 or Latin-1\) in line 1; save it as UTF-8/);
  });
});

test('a folder of anything else, a file and nothing at all', async () => {
  await write({ 'readme.txt': '' });
  await expect(openDataset(set.path)).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: /got none of what was looked for: dataset\.json; anns.*Test_Folder.*prompt.*images.*COCO/,
  });
  await expect(openDataset(join(set.path, 'readme.txt'))).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: /got the file/,
  });
  await expect(openDataset(join(set.path, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});
