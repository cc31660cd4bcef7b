// `tmca read-report` on files: what it prints, and what it refuses.

import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { call } from './cli-fakes.js';
import { folder } from './command-files.js';

const REPORT = 'FINDINGS\nSigmoid colon: a possible 8 mm sessile polyp,\nremoved. \u001b[31m\nRectum: normal.\n';

async function file(content: string | Uint8Array, name = 'report.txt'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('read-report', () => {
  test('prints the JSON of the contract', async () => {
    const [one, none] = [await file(REPORT), await file('No polyps.', 'none.txt')];
    const { code, json, stderr } = await call(['read-report', one, none, '--json']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(json).toEqual([
      {
        file: one,
        findings: [
          {
            kind: 'polyp',
            count: 1,
            size: null,
            size_mm: 8,
            colour: null,
            shape: 'sessile',
            place_in_image: null,
            anatomy: 'sigmoid colon',
            certain: false,
            evidence: [
              [9, 22],
              [24, 53],
            ],
          },
        ],
        prompts: ['one sessile polyp'],
      },
      { file: none, findings: [], prompts: [] },
    ]);
  });

  test('tells people the findings, the prompts and the words', async () => {
    const [one, none] = [await file(REPORT), await file('No polyps.', 'none.txt')];
    const { code, stdout, stderr } = await call(['read-report', one, none]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      [
        `${one}: 1 finding`,
        '  1: polyp x 1, 8 mm, sessile, sigmoid colon, uncertain',
        '     prompt: one sessile polyp',
        '     from: "Sigmoid colon" … "a possible 8 mm sessile polyp"',
        `${none}: no finding`,
        '',
      ].join('\n'),
    );
  });

  test('reads a byte order mark as nothing', async () => {
    const path = await file(`\ufeff${REPORT}`);
    const { json } = await call(['read-report', path, '--json']);
    expect((json as [{ findings: [{ evidence: number[][] }] }])[0].findings[0].evidence[0]).toEqual([9, 22]);
  });

  test.each([
    ['an empty file', '', 'TEXT_EMPTY', /a report must have words, got none at .*report.txt; save one report/],
    ['a file of spaces', ' \n\n', 'TEXT_EMPTY', /a report must have words/],
    ['bytes that are no text', Uint8Array.from([0, 1, 2, 255, 0, 7]), 'FILE_UNREADABLE', /where UTF-8 is read/],
    ['UTF-16', Buffer.from('\ufeffA polyp.', 'utf16le'), 'FILE_UNREADABLE', /got UTF-16, where UTF-8 is read/],
    ['Latin-1', Uint8Array.from([0x61, 0xe9, 0x62]), 'FILE_UNREADABLE', /another encoding/],
    ['a file that is no report by its size', 'polyp '.repeat(20_000), 'FILE_UNREADABLE', /50000 are the most/],
  ])('refuses %s, and prints nothing of the others', async (_, content, code, message) => {
    const [right, wrong] = [await file(REPORT, 'right.txt'), await file(content)];
    const outcome = await call(['read-report', right, wrong]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(new RegExp(`^error \\[${code}\\]: read-report: .*${message.source}.*\n$`));
  });

  test('refuses what is no file, at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await mkdir(join(folder, 'reports'));
    for (const [path, code] of [
      [pipe, 'FILE_UNREADABLE'],
      [join(folder, 'reports'), 'FILE_UNREADABLE'],
      ['/dev/zero', 'FILE_UNREADABLE'],
      [join(folder, 'absent'), 'FILE_NOT_FOUND'],
    ] as const) {
      const outcome = await call(['read-report', path]);
      expect(outcome).toMatchObject({ code: 1, stdout: '' });
      expect(outcome.stderr).toMatch(
        new RegExp(`^error \\[${code}\\]: read-report: a report must be a file of plain text`),
      );
    }
  });
});
