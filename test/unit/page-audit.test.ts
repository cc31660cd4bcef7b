// The audit log of the page's live view: whoever changes it is found out.

import { expect, test } from 'vitest';
import { AuditLog, brokenLine } from '../../demo/live/audit.js';

async function written(): Promise<string> {
  const log = new AuditLog();
  const time = new Date('2026-01-02T03:04:05Z');
  // Not awaited one by one: lines keep the order of the calls.
  void log.add('start', { sentence: 'one polyp' }, time);
  void log.add('mask', { lesions: 1 }, time);
  void log.add('mask', { lesions: 2 }, time);
  return (await log.file()).text();
}

test('a log is whole as it was saved', async () => {
  const log = await written();
  expect(await brokenLine(log)).toBeNull();
  const [first, ...rest] = log
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(first).toEqual({
    ...{ n: 0, time: '2026-01-02T03:04:05.000Z', event: 'start', sentence: 'one polyp' },
    previous: '0'.repeat(64),
  });
  expect(rest.map(({ event }) => event)).toEqual(['mask', 'mask', 'saved']);
});

test.each<[string, (lines: string[]) => string[], number]>([
  ['changed', lines => lines.map((line, at) => (at === 1 ? line.replace('"lesions":1', '"lesions":0') : line)), 2],
  ['left out', lines => lines.filter((_, at) => at !== 1), 1],
  ['put in twice', lines => [...lines.slice(0, 2), ...lines.slice(1)], 2],
  ['exchanged', ([a, b, c, d]) => [a!, c!, b!, d!], 1],
  ['cut off at the end', lines => lines.slice(0, -1), 2],
  ['no JSON', lines => lines.map((line, at) => (at === 2 ? line.slice(1) : line)), 2],
])('a line that was %s is found', async (_, change, broken) => {
  const lines = (await written()).trimEnd().split('\n');
  expect(await brokenLine(change(lines).join('\n'))).toBe(broken);
});

test('a log can be saved again, with what came since', async () => {
  const log = new AuditLog();
  await log.add('start');
  await log.file();
  await log.add('state');
  const text = await (await log.file()).text();
  expect(await brokenLine(text)).toBeNull();
  expect(text.trimEnd().split('\n')).toHaveLength(4);
});
