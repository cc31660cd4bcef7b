// Tables of sentences: as comma-separated values in every form that spreadsheets and editors save them, and as .xlsx.

import fc from 'fast-check';
import { strToU8 } from 'fflate';
import { describe, expect, test } from 'vitest';
import { parseTable, readTable } from '../../node/datasets/table.js';
import { datasetFolder } from './dataset-folder.js';
import { workbook } from './workbook.js';

const set = datasetFolder();

const cellsOf = async (text: string) => (await parseTable(text, 'texts.csv')).map(({ cells }) => cells);
const read = async (name: string, content: string | Uint8Array) => {
  await set.write({ [name]: content });
  return (await readTable(`${set.path}/${name}`)).map(({ cells }) => cells);
};
const invalid = (message: RegExp) => ({ code: 'DATASET_INVALID', message: expect.stringMatching(message) });

describe('comma-separated values', () => {
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
  ])('%j', async (text, rows) => {
    expect(await cellsOf(text)).toEqual(rows);
  });
  test('what is written quoted is read again', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', ';', '\t', '\n', '\r', 'é', '🫁') });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(table, async body => {
        // The header fixes the separator; an empty row is not kept, so every row starts with something.
        const rows = [['Image', 'Description', 'C', 'D', 'E'], ...body.map(row => ['x', ...row])];
        const text = rows.map(row => row.map(value => `"${value.replaceAll('"', '""')}"`).join(',')).join('\r\n');
        expect(await cellsOf(text)).toEqual(rows);
      }),
    );
  });
});

describe('tables as people have them', () => {
  test('a comma that nobody quoted ends in an error that names the line, and is not cut there', async () => {
    const text = 'Image,Description\na.png,"one, two"\nb.png,one medium polyp, located right\n';
    await expect(cellsOf(text)).rejects.toMatchObject(
      invalid(/got 3 fields in line 3 where the first line has 2: .*double quotes/),
    );
    // an unnamed column at the end is none
    await expect(cellsOf('Image,Description,\na.png,one,right\n')).rejects.toMatchObject(invalid(/3 fields in line 2/));
    expect(await cellsOf('Image,Description,,\na.png,one,,\n')).toHaveLength(2);
  });
  test("a space before a quote, and Excel's line that names the separator", async () => {
    expect(await cellsOf('Image,Description\na.png, "one, two"\n')).toEqual([
      ['Image', 'Description'],
      ['a.png', 'one, two'],
    ]);
    expect(await cellsOf('sep=;\r\nImage;Description\r\na.png;one, two\r\n')).toEqual([
      ['Image', 'Description'],
      ['a.png', 'one, two'],
    ]);
    expect(await cellsOf('Image\t\tDescription\na.png\t\tone\n')).toEqual([
      ['Image', '', 'Description'],
      ['a.png', '', 'one'],
    ]);
  });
  test('a quote that is never closed is named by its line', async () => {
    await expect(cellsOf('Image,Description\na.png,"one\nb.png,two\n')).rejects.toMatchObject(invalid(/never closed/));
  });
  test('a field of 40 MB is an error of the file and not of this program', async () => {
    for (const field of ['x'.repeat(40e6), `"${'x\n'.repeat(20e6)}"`]) {
      await expect(cellsOf(`Image,Description\na.png,${field}\n`)).rejects.toMatchObject(
        invalid(/row of more than 100000 char/),
      );
    }
  });

  const table = 'Image\tDescription\ngröße.png\tone, two\n';
  const rows = [
    ['Image', 'Description'],
    ['größe.png', 'one, two'],
  ];
  const utf16 = (text: string, big = false) => {
    const bytes = Buffer.from(text, 'utf16le');
    return big ? bytes.swap16() : bytes;
  };
  test.each([
    ['UTF-8', Buffer.from(table)],
    ['UTF-8 with its mark', Buffer.from(`\uFEFF${table}`)],
    ['UTF-16 with its mark', utf16(`\uFEFF${table}`)],
    ['UTF-16, big end first', utf16(`\uFEFF${table}`, true)],
    ['UTF-16 without a mark', utf16(table)],
    ['UTF-16, big end first, without a mark', utf16(table, true)],
    ["Windows' line ends", Buffer.from(table.replaceAll('\n', '\r\n'))],
    ["old Macs' line ends", Buffer.from(table.replaceAll('\n', '\r'))],
    ['semicolons', Buffer.from(table.replaceAll('\t', ';'))],
  ])('%s is read', async (_, bytes) => {
    expect(await read('texts.csv', bytes)).toEqual(rows);
  });
  test('another encoding is named with its line', async () => {
    const bytes = Buffer.from(`Image;Description\na.png;one\ngr\u00f6\u00dfe.png;two\n`, 'latin1');
    await expect(read('texts.csv', bytes)).rejects.toMatchObject(
      invalid(/Windows-1252 or Latin-1\) in line 3; save it as UTF-8/),
    );
    await expect(read('texts.csv', new Uint8Array([73, 109, 97, 0, 0, 0, 9, 9]))).rejects.toMatchObject(
      invalid(/bytes of zero/),
    );
  });
  test('other tables are refused by name', async () => {
    await expect(read('texts.xls', 'x')).rejects.toMatchObject(invalid(/table in \.csv or \.xlsx, got \.xls/));
  });
});

describe('.xlsx', () => {
  const inline = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;

  test('shared, inline and styled texts, numbers, gaps and empty rows are read', async () => {
    const rows =
      '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>' +
      '<row r="2"><c r="A2"><v>17</v></c><c r="C2" t="s"><v>2</v></c></row><row r="3"/>' +
      `<row r="4">${inline('b.png')}${inline('')}${inline('three')}</row>`;
    expect(await read('texts.xlsx', workbook(rows))).toEqual([
      ['Image', '', 'Description'],
      ['17', '', 'one & two'],
      ['b.png', '', 'three'],
    ]);
  });
  test('what is no spreadsheet, or a part of one, is refused', async () => {
    const whole = workbook(`<row r="1">${inline('Image')}</row>`);
    for (const bytes of [strToU8('PK'), whole.subarray(0, whole.length / 2), new Uint8Array(0)]) {
      await expect(read('texts.xlsx', bytes)).rejects.toMatchObject(
        invalid(/texts\.xlsx must be an Excel file, got .*as CSV UTF-8/),
      );
    }
  });
  /** Whatever a part holds, its entry in the archive's directory states this size. */
  const stating = (archive: Uint8Array, size: number, stated: number): Uint8Array => {
    const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
    for (let i = 0; i + 28 < archive.length; i++) {
      const entry = view.getUint32(i, true) === 0x02014b50 && view.getUint32(i + 24, true) === size;
      if (entry) view.setUint32(i + 24, stated, true);
    }
    return archive;
  };
  test('a zip bomb is refused before it is unpacked', async () => {
    const bomb = stating(workbook('', { 'xl/theme.xml': new Uint8Array(99_999) }), 99_999, 2 ** 30);
    await expect(read('texts.xlsx', bomb)).rejects.toMatchObject(
      invalid(/at most 268435456 bytes unpacked, got 10737/),
    );
  });
  test('a part that unpacks to more than it states is not unpacked further', async () => {
    const sheet = new Uint8Array(99_999).fill(32);
    const bomb = stating(workbook('', { 'xl/worksheets/sheet1.xml': sheet }), 99_999, 100);
    await expect(read('texts.xlsx', bomb)).rejects.toMatchObject(invalid(/sheet1\.xml is cut off/));
  });
});
