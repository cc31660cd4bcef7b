// Data sets on disk: three layouts, and every fault that a folder from elsewhere may have. The files are empty: opening a
// data set decodes nothing.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDataset } from '../../runtime/node/dataset.js';
import { parseTable } from '../../runtime/node/table.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-dataset-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes files below the folder; values that are not text become JSON. */
async function write(files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
}

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
    const dataset = await openDataset(folder);
    expect(dataset.name).toBe('Polyps');
    expect(dataset.records).toEqual([
      {
        id: 'b',
        image: join(folder, 'images/b.jpg'),
        mask: join(folder, 'masks/b.png'),
        split: 'test',
        text: 'one polyp',
        marks: ['corner_artefact'],
      },
      {
        id: 'a',
        image: join(folder, 'images/a.jpg'),
        mask: join(folder, 'masks/a.png'),
        split: 'train',
        text: 'one polyp',
        marks: [],
      },
    ]);
  });

  test('looks for the files of the split that was asked for only', async () => {
    const records = [record('a'), record('b', { split: 'train' })];
    await write({ 'dataset.json': { records }, ...filesOf('a') });
    expect((await openDataset(folder, { split: 'test' })).records.map(r => r.id)).toEqual(['a']);
    await expect(openDataset(folder)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: /"b" \(no file images/,
    });
  });

  test('may begin with a byte order mark', async () => {
    await write({ 'dataset.json': `\uFEFF${JSON.stringify({ records: [record('a')] })}`, ...filesOf('a') });
    expect((await openDataset(folder)).records).toHaveLength(1);
  });

  const faulty: [string, unknown, RegExp][] = [
    ['no JSON', '{"records": [', /must be JSON in UTF-8, got no JSON .* at .*dataset\.json; mend the file/],
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
    ['an id twice', { records: [record('a'), record('a')] }, /"a" \(id occurs twice\)/],
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
    const error = await openDataset(folder).catch(e => e);
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
    const { records: left } = await openDataset(folder, { split: 'test', onFault });
    expect(left.map(({ id }) => id)).toEqual(['a']);
    expect(told).toEqual([
      { id: '"b"', fault: 'text is empty' },
      { id: '"e"', fault: 'split is no text' },
      { id: '"c"', fault: 'no file images/c.jpg, masks/c.png' },
    ]);
    await rm(join(folder, 'masks/a.png'));
    await expect(openDataset(folder, { split: 'test', onFault })).rejects.toThrow(/some record must be without fault/);
  });

  test('names five faulty records and counts the others', async () => {
    const records = Array.from({ length: 12 }, (_, i) => record(`r${i}`, i < 4 ? {} : { text: '' }));
    await write({ 'dataset.json': { records } });
    const { message } = await openDataset(folder).catch(e => e);
    expect(message).toMatch(/got 8 of 12 records .*"r4" .*"r8" \(text is empty\) and 3 more; mend/);
    expect(message).not.toContain('"r9"');
  });

  test('without the split says which there are', async () => {
    const records = [record('a'), record('b', { split: 'train' }), record('c')];
    await write({ 'dataset.json': { records }, ...filesOf('a', 'b', 'c') });
    const message = expect.stringMatching(/got none in "val" of .*; it has test \(2\), train \(1\)/);
    await expect(openDataset(folder, { split: 'val' })).rejects.toMatchObject({ code: 'DATASET_INVALID', message });
  });
});

describe('medvlsm', () => {
  const caption = (name: string, p6: unknown) => ({
    img_name: `${name}.jpg`,
    mask_name: `${name}.png`,
    prompts: { p0: '', p6 },
  });

  test('takes prompt p6 and the split from the file', async () => {
    const anns = {
      'anns/train.json': [caption('a', 'one small polyp')],
      'anns/test.json': [caption('b', ['two polyps', 'a pair of polyps'])],
    };
    await write({ ...anns, ...filesOf('a', 'b') });
    const { records } = await openDataset(folder);
    expect(records.map(({ id, split, text }) => [id, split, text])).toEqual([
      ['a', 'train', 'one small polyp'],
      ['b', 'test', 'two polyps'],
    ]);
    expect(records[0]!.image).toBe(join(folder, 'images/a.jpg'));
  });
  test('refuses names that leave the folder and captions without p6', async () => {
    const entries = [{ ...caption('a', 'x'), img_name: '../../etc/passwd' }, caption('b', undefined), null];
    await write({ 'anns/test.json': entries, ...filesOf('a', 'b') });
    const message = expect.stringMatching(/got 3 of 3 .*"passwd" \(image must lie.*"b" \(text is empty\), record 3/);
    await expect(openDataset(folder)).rejects.toMatchObject({ code: 'DATASET_INVALID', message });
  });
  test('refuses captions that are no list', async () => {
    await write({ 'anns/test.json': { a: 1 } });
    await expect(openDataset(folder)).rejects.toMatchObject({ message: /anns.test\.json must be a list of captions/ });
  });
});

describe('LViT', () => {
  test('finds images of masks with and without "mask_", and the shared table', async () => {
    await write({
      'Train_Folder/img/covid_1.png': '',
      'Train_Folder/labelcol/mask_covid_1.png': '',
      'Train_Folder/Train_Val_text.csv':
        'Image,Description\r\nmask_covid_1.png,"Bilateral, two areas"\r\ncovid_2.png,One area\r\n',
      'Val_Folder/img/covid_2.png': '',
      'Val_Folder/labelcol/covid_2.png': '',
      'Test_Folder/img/covid_3.png': '',
      'Test_Folder/labelcol/covid_3.png': '',
      'Test_Folder/labelcol/.DS_Store': '',
      'Test_Folder/Test_text.csv': 'Description;Image\nLeft lung;covid_3.png',
    });
    const { records } = await openDataset(folder);
    expect(records.map(({ id, split, text }) => [id, split, text])).toEqual([
      ['covid_1', 'train', 'Bilateral, two areas'],
      ['covid_2', 'val', 'One area'],
      ['covid_3', 'test', 'Left lung'],
    ]);
    expect(records[0]!.mask).toBe(join(folder, 'Train_Folder/labelcol/mask_covid_1.png'));
  });
  test('says how to turn a spreadsheet into what can be read', async () => {
    await write({ 'Test_Folder/img/a.png': '', 'Test_Folder/labelcol/a.png': '', 'Test_Folder/Test_text.xlsx': 'PK' });
    const message = expect.stringMatching(/got the spreadsheet .*Test_text\.xlsx; save it as .*Test_text\.csv \(UTF-8/);
    await expect(openDataset(folder)).rejects.toMatchObject({ code: 'UNSUPPORTED', message });
  });
  test('refuses a folder without texts, without the columns, without a text for a mask', async () => {
    const files = { 'Test_Folder/img/a.png': '', 'Test_Folder/labelcol/a.png': '' };
    await write(files);
    await expect(openDataset(folder)).rejects.toMatchObject({ message: /got no Test_text\.csv/ });
    await write({ 'Test_Folder/Test_text.csv': 'File,Text\na.png,x' });
    await expect(openDataset(folder)).rejects.toMatchObject({
      message: /columns Image and Description, got \["File","Text"\]/,
    });
    await write({ 'Test_Folder/Test_text.csv': 'Image,Description\nb.png,x' });
    await expect(openDataset(folder)).rejects.toMatchObject({ message: /"a" \(text is empty\)/ });
  });
});

test('a folder of anything else, a file and nothing at all', async () => {
  await write({ 'readme.txt': '' });
  await expect(openDataset(folder)).rejects.toMatchObject({ code: 'DATASET_INVALID', message: /got none of them/ });
  await expect(openDataset(join(folder, 'readme.txt'))).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: /got the file/,
  });
  await expect(openDataset(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});

describe('tables', () => {
  test.each([
    [
      'a,b\nc,d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a;b;c\r\n1,5;;\r\n',
      [
        ['a', 'b', 'c'],
        ['1,5', '', ''],
      ],
    ],
    ['"a ""b""","c\nd"\n\n', [['a "b"', 'c\nd']]],
    ['a,b"c"\n', [['a', 'b"c"']]],
    ['a\n"b"c', [['a'], ['"b"c']]],
    ['\uFEFFImage\tDescription', [['Image', 'Description']]],
    ['', []],
  ])('%j', (text, rows) => {
    expect(parseTable(text)).toEqual(rows);
  });
  test('what is written quoted is read again', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', ';', '\t', '\n', '\r', 'é', '🫁') });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(table, body => {
        // The header fixes the separator; an empty row is not kept, so every row starts with something.
        const rows = [['Image', 'Description'], ...body.map(row => ['x', ...row])];
        const text = rows.map(row => row.map(value => `"${value.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        expect(parseTable(text)).toEqual(rows);
      }),
    );
  });
});
