// Which process trains in a run's folder: `train.lock`, there while it does. A second one is refused before it reads or writes
// anything else. A process that was killed leaves its lock behind; whoever comes next sees that it is gone and takes the lock over.

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { beginningOf, isRunning } from '../../runtime/node/processes.js';
import { readText } from '../../runtime/node/read-file.js';
import { temporaryIn } from '../../runtime/node/temporary.js';
import { parseJson } from '../parse-json.js';
import { named } from './disk.js';

const NAME = 'train.lock';

const Holder = v.object({
  pid: v.number(),
  host: v.string(),
  /** When the process began, as its system counts it, since numbers are given out again; null where that is not told. */
  began: v.nullable(v.string()),
  /** ISO 8601. */
  since: v.string(),
  /** Of this lock alone. */
  id: v.string(),
  /** The file is written again and again while the process lives; locks of earlier versions were not. */
  beats: v.optional(v.boolean(), false),
});
type Holder = v.InferOutput<typeof Holder>;

export interface RunLock {
  /** Lets the next one in; a folder that was made for the lock and holds nothing goes too. Twice is fine. */
  release(): Promise<void>;
}

export interface LockTimes {
  /** Between two signs of life, in milliseconds. */
  readonly beat?: number;
  /** Without a sign of life for so long, a process of another machine counts as gone. */
  readonly dead?: number;
}

const BEAT_MS = 20_000;
const DEAD_MS = 300_000;
/** A lock whose content is none is being written, or its writer died just then: it gets this long. */
const WRITING_MS = 1000;

/**
 * Takes the folder, which is made if it is not there.
 *
 * Errors: RUN_BUSY (a process trains there), OUTPUT_NOT_WRITABLE.
 *
 * @example
 * const lock = await lockRun('runs/nano');
 * try { … } finally { await lock.release(); }
 */
export async function lockRun(folder: string, { beat = BEAT_MS, dead = DEAD_MS }: LockTimes = {}): Promise<RunLock> {
  const path = join(folder, NAME);
  const mine: Holder = {
    ...{ pid: process.pid, host: hostname(), began: beginningOf(process.pid) },
    ...{ since: new Date().toISOString(), id: randomUUID(), beats: true },
  };
  const made = await named(folder, () => mkdir(folder, { recursive: true }));
  let handle: FileHandle | null;
  try {
    for (;;) {
      handle = await take(path, mine);
      if (handle) break;
      await takeOver(path, folder, dead);
    }
  } catch (error) {
    await removeEmpty(folder, made);
    throw error;
  }
  // by its handle: whatever has the name by now is not written to
  const timer = setInterval(() => void handle.write(contentOf(mine), 0).catch(() => {}), beat).unref();
  return {
    async release() {
      clearInterval(timer);
      await handle.close();
      if ((await holderOf(path))?.id === mine.id) await named(path, () => rm(path, { force: true }));
      await removeEmpty(folder, made);
    },
  };
}

const contentOf = (holder: Holder): string => `${JSON.stringify(holder)}\n`;

/** For what another process may have removed meanwhile. */
function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Null where there is a lock. */
async function take(path: string, mine: Holder): Promise<FileHandle | null> {
  const handle = await named(path, () =>
    open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null;
      throw error;
    }),
  );
  try {
    if (handle) await named(path, () => handle.write(contentOf(mine), 0));
    return handle;
  } catch (error) {
    await handle?.close();
    throw error;
  }
}

/** Removes a lock whose process is gone. */
async function takeOver(path: string, folder: string, dead: number): Promise<void> {
  const holder = await settledHolder(path);
  if (holder === undefined) return; // released meanwhile
  if (holder && (await isAlive(holder, path, dead))) throw busy(folder, path, holder, dead);
  // By renaming, since of two that see the same dead lock one may have put its own there by now: that one is put back.
  const aside = temporaryIn(folder);
  await named(path, () => rename(path, aside).catch(ifThere));
  const moved = await holderOf(aside);
  if (moved && moved.id !== holder?.id) await rename(aside, path).catch(() => undefined);
  else await rm(aside, { recursive: true, force: true });
}

function busy(folder: string, path: string, { pid, host, since, beats }: Holder, dead: number): TmcaError {
  const minutes = Math.ceil(dead / 60_000);
  const gone = beats
    ? `it counts as gone ${minutes} minutes after its last sign of life; if it is, remove ${path} or wait`
    : `if it is gone, remove ${path}`;
  return new TmcaError(
    'RUN_BUSY',
    `train: one process at a time may train in ${folder}, got another, process ${pid} on ${host}, since ${since}; wait for it, or name another folder` +
      (host === hostname() ? '' : `; ${gone}`),
  );
}

/** Who holds the lock: null for one that tells of nobody, undefined where there is none. */
async function settledHolder(path: string): Promise<Holder | null | undefined> {
  for (let waited = 0; ; waited += 100) {
    const holder = await holderOf(path);
    const there = await stat(path).then(
      () => true,
      () => false,
    );
    if (holder || !there || waited >= WRITING_MS) return there ? holder : undefined;
    await wait(100);
  }
}

async function holderOf(path: string): Promise<Holder | null> {
  const kind = { rule: 'lockRun: a lock must tell who holds it', advice: 'remove it' };
  const fail = (got: string) => new TmcaError('FILE_UNREADABLE', `${kind.rule}, got ${got}; ${kind.advice}`);
  try {
    return parseJson(await readText(path, kind), Holder, fail);
  } catch {
    return null;
  }
}

/** A process of another machine is known by its signs of life alone. */
async function isAlive(holder: Holder, path: string, dead: number): Promise<boolean> {
  if (holder.host === hostname()) return isRunning(holder);
  if (!holder.beats) return true;
  const last = await stat(path).catch(() => null);
  return last !== null && (await nowOf(dirname(path))) - last.mtimeMs < dead;
}

/** By the clock of the file system, which may be another machine's too. */
async function nowOf(folder: string): Promise<number> {
  const probe = temporaryIn(folder);
  try {
    await writeFile(probe, '');
    return (await stat(probe)).mtimeMs;
  } catch {
    return Date.now();
  } finally {
    await rm(probe, { force: true });
  }
}

/** @param first the outermost folder that was made; none if undefined */
async function removeEmpty(folder: string, first: string | undefined): Promise<void> {
  if (first === undefined) return;
  const outermost = resolve(first);
  for (let at = resolve(folder); at.length >= outermost.length; at = dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
