// `tmca segment --report`: one result for each finding of a routine report.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, fakeEngine } from './cli-fakes.js';

let folder: string;
let image: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-segment-report-'));
  image = join(folder, 'a.png');
  out = join(folder, 'out');
  await sharp({ create: { width: 12, height: 9, channels: 3, background: 'red' } }).toFile(image);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const segment = async (report: string, ...more: string[]) => {
  const path = join(folder, 'report.txt');
  await writeFile(path, report);
  const engine = fakeEngine();
  const outcome = await call(['segment', image, '--report', path, '--model', 'm', '--out', out, ...more], { engine });
  return { ...outcome, calls: engine.calls };
};

const TWO = 'Sigmoid colon: a small red polyp. Rectum: two flat polyps, 3 mm. No others.';

describe('segment --report', () => {
  test('runs each image once for each finding, and says with which prompt', async () => {
    const { code, json, stderr, calls } = await segment(TWO, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((json as { prompt: string; mask: string }[]).map(({ prompt, mask }) => [prompt, mask])).toEqual([
      ['one small red polyp', join(out, 'a.mask.png')],
      ['two flat polyps', join(out, 'a-2.mask.png')],
    ]);
    expect(calls.filter(said => /^(?:text|free)/.test(said))).toEqual([
      'text one small red polyp',
      'text two flat polyps',
      'free report',
      'free report',
    ]);
    expect((await readdir(out)).sort()).toEqual(['a-2.mask.png', 'a-2.overlay.png', 'a.mask.png', 'a.overlay.png']);
  });

  test('asks one prompt once, however many findings share it', async () => {
    const { json } = await segment('Sigmoid colon: a small polyp. Rectum: a small polyp.', '--json');
    expect(json).toMatchObject([{ prompt: 'one small polyp' }]);
  });

  test('tells people which prompt a result belongs to', async () => {
    const { stdout } = await segment(TWO);
    expect(stdout).toContain(`${image}, "one small red polyp": 12 x 9`);
    expect(stdout).toContain(`${image}, "two flat polyps": 12 x 9`);
  });

  test.each([
    ['no finding', 'No polyps.', 'TEXT_EMPTY', /the report must tell a finding to look for, got none in .*report.txt/],
    ['no words', ' ', 'TEXT_EMPTY', /a report must have words/],
  ])('refuses a report with %s before a model is opened', async (_, report, code, message) => {
    const outcome = await segment(report);
    expect(outcome).toMatchObject({ code: 1, stdout: '', calls: [] });
    expect(outcome.stderr).toMatch(new RegExp(`^error \\[${code}\\]: segment: .*${message.source}.*\n$`));
  });

  test('takes a report or a sentence, not both', async () => {
    const { code, stderr, calls } = await segment(TWO, '--text', 'one polyp');
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
    expect(stderr).toMatch(/--report/);
  });

  test('does not write over the report', async () => {
    const path = join(folder, 'a.mask.png');
    await writeFile(path, TWO);
    const outcome = await call(['segment', image, '--report', path, '--model', 'm', '--out', folder], {
      engine: fakeEngine(),
    });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(path);
  });
});
