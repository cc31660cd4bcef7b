// Which process trains in a run's folder: `train.lock`, there while it does. A second one is refused before it reads or writes
// anything else. A process that was killed leaves its lock behind; whoever comes next sees that it is gone and takes the lock over.

import { randomUUID } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { parseJson } from '../../formats/checked-json.js';
import { readText } from '../../node/disk/read-file.js';
import { beginningOf, isRunning } from '../../node/processes.js';
import { temporaryIn } from '../../node/temporary.js';
import { named } from './disk.js';

const NAME = 'train.lock';

const Holder = v.object({
  pid: v.number(),
  host: v.string(),
  /** When the process began, as its system counts it, since numbers are given out again; null where that is not told. */
  began: v.nullable(v.string()),
  /** ISO 8601. */
  since: v.string(),
  /** An id that this lock alone has. */
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
  const found = await settled(path);
  if (!found) return; // released meanwhile
  const { holder, stamp } = found;
  if (holder && (await isAlive(holder, path, dead))) throw busy(folder, path, holder, dead);
  // One at a time: of two that see the same dead lock, the second would remove what the first has put there by now.
  const guard = `${path}.guard`;
  if (!(await guarded(guard))) return void (await wait(20));
  try {
    if ((await stampOf(path)) === stamp) await named(path, () => rm(path, { recursive: true, force: true }));
  } finally {
    await rmdir(guard).catch(() => {});
  }
}

/** What takes milliseconds; whoever has not done it by then has died. */
const GUARD_MS = 10_000;

/** False where another one is at it. */
async function guarded(guard: string): Promise<boolean> {
  const made = await named(guard, () =>
    mkdir(guard).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null;
      throw error;
    }),
  );
  if (made !== null) return true;
  const found = await stat(guard).catch(() => null);
  if (found && Math.abs((await nowOf(dirname(guard))) - found.mtimeMs) > GUARD_MS) await rmdir(guard).catch(() => {});
  return false;
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

interface Found {
  /** Null for a lock that tells of nobody. */
  readonly holder: Holder | null;
  readonly stamp: string;
}

/** The lock, when it has had the time to be written; null where there is none. */
async function settled(path: string): Promise<Found | null> {
  for (let waited = 0; ; waited += 100) {
    const stamp = await stampOf(path);
    const holder = await holderOf(path);
    if (stamp === null) return null;
    if (holder || waited >= WRITING_MS) return { holder, stamp };
    await wait(100);
  }
}

/** Tells this writing of the file from every other. */
async function stampOf(path: string): Promise<string | null> {
  const found = await lstat(path, { bigint: true }).catch(() => null);
  return found && `${found.ino} ${found.mtimeNs}`;
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
