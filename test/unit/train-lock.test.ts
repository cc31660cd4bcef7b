// One process a run's folder: refused where another trains, taken over where it has died.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { train } from '../../train/run/train.js';
import { lockRun } from '../../train/run-files/index.js';
import { failure } from './raw-safetensors.js';

let folder: string;
let run: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tmca-lock-'));
  run = join(folder, 'runs', 'nano');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lockFile = () => join(run, 'train.lock');
const holder = () => JSON.parse(readFileSync(lockFile(), 'utf8'));
/** Leaves a lock as a process that was killed does. */
function leave(content: object | string): void {
  mkdirSync(run, { recursive: true });
  writeFileSync(lockFile(), typeof content === 'string' ? content : JSON.stringify(content));
}
const left = { host: hostname(), began: null, since: '2026-01-01T00:00:00.000Z', id: 'theirs' };
/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

test('the second is refused with who holds the folder; the first one`s release lets it in', async () => {
  const lock = await lockRun(run);
  const { since } = holder();
  const error = await failure('RUN_BUSY', () => lockRun(run));
  expect(error.message).toBe(
    `train: one process at a time may train in ${run}, got another, process ${process.pid} on ${hostname()}, since ${since}; wait for it, or name another folder`,
  );
  await lock.release();
  await lock.release();
  const again = await lockRun(run);
  // the first one's second release must not take this one away
  await lock.release();
  await failure('RUN_BUSY', () => lockRun(run));
  await again.release();
});

test('a folder made for the lock goes with it if nothing came of it; others stay', async () => {
  await (await lockRun(run)).release();
  expect(readdirSync(folder)).toEqual([]);
  mkdirSync(run, { recursive: true });
  await (await lockRun(run)).release();
  expect(existsSync(run)).toBe(true);
  const lock = await lockRun(join(run, 'used'));
  writeFileSync(join(run, 'used', 'metrics.jsonl'), '');
  await lock.release();
  expect(readdirSync(join(run, 'used'))).toEqual(['metrics.jsonl']);
});

test('a lock of a process that is gone is taken over', async () => {
  leave({ ...left, pid: deadPid() });
  const lock = await lockRun(run);
  expect(holder().pid).toBe(process.pid);
  expect(readdirSync(run)).toEqual(['train.lock']);
  await lock.release();
});

test('killed while it holds the lock', async () => {
  mkdirSync(run, { recursive: true });
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")']);
  await new Promise(resolve => child.stdout.once('data', resolve));
  leave({ ...left, pid: child.pid });
  await failure('RUN_BUSY', () => lockRun(run));
  child.kill('SIGKILL');
  await new Promise(resolve => child.once('exit', resolve));
  await (await lockRun(run)).release();
});

test.runIf(process.platform === 'linux')('a number that was given out again is another process', async () => {
  leave({ ...left, pid: process.pid, began: '1' });
  await (await lockRun(run)).release();
});

test('of another machine nothing is known: its lock counts, and the message says how to remove it', async () => {
  leave({ ...left, pid: deadPid(), host: 'elsewhere' });
  const error = await failure('RUN_BUSY', () => lockRun(run));
  expect(error.message).toContain(`on elsewhere, since 2026-01-01T00:00:00.000Z; wait for it`);
  expect(error.message).toContain(`; if it is gone, remove ${lockFile()}`);
});

test.each<[string, object | string]>([
  ['process 0', { ...left, pid: 0 }],
  ['a group of processes', { ...left, pid: -1 }],
  ['a part of a process', { ...left, pid: 1.5 }],
  ['no number', { ...left, pid: '7' }],
  ['no host', { ...left, host: undefined, pid: 1 }],
  ['nothing', ''],
  ['half a line', '{"pid": 1, "ho'],
  ['bytes that are no text', '\0\0\0'],
  ['a number', '7'],
])('a lock that tells of %s holds nobody off', async (_, content) => {
  leave(content);
  await (await lockRun(run)).release();
  expect(readdirSync(run)).toEqual([]);
});

test('a lock that is a folder, a link to nothing or that comes from the future holds nobody off', async () => {
  mkdirSync(lockFile(), { recursive: true });
  await (await lockRun(run)).release();
  mkdirSync(run, { recursive: true });
  symlinkSync('nowhere', lockFile());
  await (await lockRun(run)).release();
  leave('');
  utimesSync(lockFile(), new Date(4e12), new Date(4e12));
  await (await lockRun(run)).release();
  expect(readdirSync(run)).toEqual([]);
});

test('a process of another machine is known by its signs of life', async () => {
  const theirs = { ...left, pid: 1, host: 'elsewhere', beats: true };
  leave(theirs);
  const error = await failure('RUN_BUSY', () => lockRun(run));
  expect(error.message).toMatch(/counts as gone 5 minutes after its last sign of life/);
  utimesSync(lockFile(), new Date(Date.now() - 301_000), new Date(Date.now() - 301_000));
  await (await lockRun(run)).release();
  // ours gives them
  const lock = await lockRun(run, { beat: 5 });
  utimesSync(lockFile(), new Date(0), new Date(0));
  await expect.poll(() => statSync(lockFile()).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  expect(holder().beats).toBe(true);
  await lock.release();
});

test('of many that find a dead lock at once, one gets the folder', async () => {
  leave({ ...left, pid: deadPid() });
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(run)));
  const taken = all.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
  expect(taken).toHaveLength(1);
  const codes = all.flatMap(each => (each.status === 'rejected' ? [each.reason.code] : []));
  expect(new Set(codes)).toEqual(new Set(['RUN_BUSY']));
  await taken[0]!.release();
  expect(readdirSync(run)).toEqual([]);
});

test('where it cannot be written', async () => {
  writeFileSync(join(folder, 'file'), '');
  const error = await failure('OUTPUT_NOT_WRITABLE', () => lockRun(join(folder, 'file', 'run')));
  expect(error.message).toContain('must be writable, got ENOTDIR');
});

test('training asks for it before it reads or writes anything, and lets go when it fails', async () => {
  const lock = await lockRun(run);
  writeFileSync(join(run, 'metrics.jsonl'), '{"half');
  await failure('RUN_BUSY', () => train({ data: join(folder, 'nowhere'), out: run, resume: true }));
  expect(readFileSync(join(run, 'metrics.jsonl'), 'utf8')).toBe('{"half');
  await lock.release();
  const other = join(folder, 'other');
  await failure('FILE_NOT_FOUND', () => train({ data: join(folder, 'nowhere'), out: other }));
  expect(existsSync(other)).toBe(false);
});
